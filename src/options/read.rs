//! From the environment of a frontend to [`BuildOptions`], with the official frontend's error texts.

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostic;
use crate::dockerfile::csv;
use crate::dockerfile::quote::quote;
use crate::image::json;
use crate::image::platform::Platform;
use crate::image::reference::ImageRef;
use crate::options::{
    BuildOptions, CacheImport, ImageResolveMode, NoCache, SbomRequest, Worker, number, run,
};

/// The options as keys and values.
pub(super) struct Options<'a>(&'a BTreeMap<String, String>);

impl Options<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    pub(super) fn non_empty(&self, key: &str) -> Option<&str> {
        self.get(key).filter(|value| !value.is_empty())
    }

    fn text(&self, key: &str) -> String {
        self.get(key).unwrap_or_default().to_owned()
    }

    fn build_arg(&self, name: &str) -> Option<&str> {
        self.get(&format!("build-arg:{name}"))
    }

    /// The options below `prefix`, which is cut off.
    fn below(&self, prefix: &str) -> BTreeMap<String, String> {
        let entries = self.0.iter();
        entries
            .filter_map(|(key, value)| Some((key.strip_prefix(prefix)?.to_owned(), value.clone())))
            .collect()
    }
}

impl BuildOptions {
    /// Reads the environment that the daemon gives a frontend.
    ///
    /// # Errors
    /// The official frontend's text for the first bad option (dockerfile-semantics 7.4).
    pub fn from_env(env: impl IntoIterator<Item = (String, String)>) -> Result<Self, Diagnostic> {
        let mut all = BTreeMap::new();
        let mut process = BTreeMap::new();
        for (name, value) in env {
            if name.starts_with("BUILDKIT_FRONTEND_OPT_") {
                if let Some((key, value)) = value.split_once('=') {
                    all.insert(key.to_owned(), value.to_owned());
                }
            } else {
                process.insert(name, value);
            }
        }
        let variable = |name: &str| process.get(name).map(String::as_str);
        let options = Self::from_options(&all).map_err(Diagnostic::new)?;
        let workers = Worker::list(variable("BUILDKIT_WORKERS").unwrap_or_default())
            .map_err(|error| Diagnostic::new(format!("reading BUILDKIT_WORKERS: {error}")))?;
        Ok(Self {
            session: variable("BUILDKIT_SESSION_ID").unwrap_or_default().to_owned(),
            workers,
            exported_product: variable("BUILDKIT_EXPORTEDPRODUCT").unwrap_or_default().to_owned(),
            distroless_site: variable("DISTROLESS").map(str::to_owned),
            ..options
        })
    }

    /// Everything that the options alone say.
    fn from_options(all: &BTreeMap<String, String>) -> Result<Self, String> {
        let options = Options(all);
        reject_removed(&options)?;
        let resources =
            run::resources(&options).map_err(|error| format!("failed to parse resource limits: {error}"))?;
        let hosts = run::extra_hosts(&options.text("add-hosts"))
            .map_err(|error| format!("failed to parse additional hosts: {error}"))?;
        let shm_size = run::shm_size(&options.text("shm-size"))
            .map_err(|error| format!("failed to parse shm size: {error}"))?;
        let ulimits = run::ulimits(&options.text("ulimit"))
            .map_err(|error| format!("failed to parse ulimit: {error}"))?;
        let context_key = options.get("contextkey").unwrap_or("context");
        let platforms = platforms(options.get("platform").unwrap_or_default())?;
        Ok(Self {
            filename: options.get("filename").unwrap_or("Dockerfile").to_owned(),
            target: options.text("target"),
            multi_platform: multi_platform(&options, platforms.len())?,
            platforms,
            build_args: options.below("build-arg:"),
            labels: options.below("label:"),
            context: options.non_empty(context_key).map(str::to_owned),
            dockerfile_key: options.get("dockerfilekey").map(str::to_owned),
            context_subdir: options.text("contextsubdir"),
            local_sessions: options.below("local-sessionid:"),
            named_contexts: options.below("context:"),
            input_metadata: options.below("input-metadata:"),
            local_shared_keys: options.below("sharedkey:localdir:"),
            no_cache: no_cache(options.get("no-cache")),
            cache_imports: cache_imports(&options)?,
            image_resolve_mode: image_resolve_mode(&options.text("image-resolve-mode"))?,
            network: run::network(&options.text("force-network-mode"))?,
            extra_hosts: hosts,
            shm_size,
            ulimits,
            cgroup_parent: options.text("cgroup-parent"),
            hostname: options
                .build_arg("BUILDKIT_SANDBOX_HOSTNAME")
                .map_or_else(|| options.text("hostname"), str::to_owned),
            resources,
            source: options.non_empty("source").map(str::to_owned),
            cmdline: options.get("cmdline").map(str::to_owned),
            request: options.get("requestid").map(str::to_owned),
            frontend_caps: frontend_caps(&options.text("frontend.caps")),
            sbom: sbom(all)?,
            cache_mount_namespace: options
                .build_arg("BUILDKIT_CACHE_MOUNT_NS")
                .unwrap_or_default()
                .to_owned(),
            git_advice: git_advice(options.build_arg("BUILDKIT_GIT_ADVICE").unwrap_or_default())?,
            // What is no boolean counts as false.
            keep_git_dir: options
                .build_arg("BUILDKIT_CONTEXT_KEEP_GIT_DIR")
                .is_some_and(|text| number::boolean(text) == Ok(true)),
            distroless_arg: options.build_arg("BUILDKIT_DISTROLESS").map(str::to_owned),
            ..Self::default()
        })
    }
}

fn reject_removed(options: &Options<'_>) -> Result<(), String> {
    if options.non_empty("override-copy-image").is_some() {
        return Err("support for \"override-copy-image\" was removed in BuildKit 0.11".to_owned());
    }
    let file_op = options.build_arg("BUILDKIT_DISABLE_FILEOP").unwrap_or_default();
    if number::boolean(file_op) == Ok(true) {
        let text = "support for \"BUILDKIT_DISABLE_FILEOP\" build-arg was removed in BuildKit 0.11";
        return Err(text.to_owned());
    }
    Ok(())
}

fn platforms(list: &str) -> Result<Vec<Platform>, String> {
    if list.is_empty() {
        return Ok(Vec::new());
    }
    list.split(',')
        .map(|text| match Platform::parse(text) {
            Ok(platform) => Ok(platform.normalize()),
            Err(error) => Err(format!("failed to parse target platform {text}: {error}")),
        })
        .collect()
}

fn multi_platform(options: &Options<'_>, platforms: usize) -> Result<Option<bool>, String> {
    let text =
        options.build_arg("BUILDKIT_MULTI_PLATFORM").or(options.get("multi-platform")).unwrap_or_default();
    if text.is_empty() {
        return Ok(None);
    }
    let many =
        number::boolean(text).map_err(|_| format!("invalid boolean value for multi-platform: {text}"))?;
    if !many && platforms > 1 {
        let text = "conflicting config: returning multiple target platforms is not allowed";
        return Err(text.to_owned());
    }
    Ok(Some(many))
}

fn no_cache(value: Option<&str>) -> NoCache {
    match value {
        None => NoCache::None,
        Some("") => NoCache::All,
        Some(names) => NoCache::Stages(names.split(',').map(str::to_lowercase).collect()),
    }
}

/// `cache-imports`, then the older `cache-from`.
fn cache_imports(options: &Options<'_>) -> Result<Vec<CacheImport>, String> {
    let mut imports = Vec::new();
    if let Some(text) = options.non_empty("cache-imports") {
        imports = serde_json::from_str::<Option<Vec<CacheImport>>>(text)
            .map_err(|error| {
                let why = json::explain(&error, text.as_bytes());
                format!("failed to unmarshal cache-imports ({}): {why}", quote(text))
            })?
            .unwrap_or_default();
    }
    if let Some(text) = options.non_empty("cache-from") {
        imports.extend(text.split(',').map(|reference| CacheImport {
            kind: "registry".to_owned(),
            attrs: BTreeMap::from([("ref".to_owned(), reference.to_owned())]),
        }));
    }
    Ok(imports)
}

fn image_resolve_mode(text: &str) -> Result<ImageResolveMode, String> {
    match text {
        "" | "default" => Ok(ImageResolveMode::Default),
        "pull" => Ok(ImageResolveMode::Pull),
        "local" => Ok(ImageResolveMode::Local),
        other => Err(format!("invalid image-resolve-mode: {other}")),
    }
}

fn frontend_caps(text: &str) -> Vec<String> {
    let names = text.split(',').map(|cap| cap.split('+').next().unwrap_or_default());
    names.filter(|cap| !cap.is_empty()).map(str::to_owned).collect()
}

fn git_advice(text: &str) -> Result<bool, String> {
    if text.is_empty() {
        return Ok(false);
    }
    number::boolean(text).map_err(|error| format!("failed to parse build-arg:BUILDKIT_GIT_ADVICE: {error}"))
}

/// `attest:sbom`; build arguments `BUILDKIT_ATTEST_<TYPE>` say the same.
fn sbom(all: &BTreeMap<String, String>) -> Result<Option<SbomRequest>, String> {
    let mut attestations = BTreeMap::new();
    for (key, value) in all {
        if let Some(kind) = key.strip_prefix("attest:") {
            attestations.insert(kind.to_lowercase(), value);
        } else if let Some(kind) = key.strip_prefix("build-arg:BUILDKIT_ATTEST_") {
            attestations.insert(kind.to_lowercase(), value);
        }
    }
    let mut parsed = BTreeMap::new();
    for (kind, text) in &attestations {
        let attributes = attributes(text).map_err(|error| format!("failed to parse {kind}: {error}"))?;
        parsed.insert(kind.clone(), attributes);
    }
    let known = |kind: &str| matches!(kind, "sbom" | "provenance");
    if let Some(kind) = attestations.keys().find(|kind| !known(kind.as_str())) {
        return Err(format!("unknown attestation type {}", quote(kind)));
    }
    let Some(mut parameters) = parsed.remove("sbom") else { return Ok(None) };
    let generator = parameters.remove("generator").map(|text| generator(&text)).transpose()?;
    Ok(Some(SbomRequest { generator, parameters }))
}

fn generator(text: &str) -> Result<ImageRef, String> {
    ImageRef::parse(text)
        .map(ImageRef::or_latest)
        .map_err(|error| format!("failed to parse sbom scanner {text}: {error}"))
}

/// `key=value,…`; a key alone is empty.
fn attributes(text: &str) -> Result<BTreeMap<String, String>, String> {
    if text.is_empty() {
        return Ok(BTreeMap::new());
    }
    let fields = csv::fields(text).map_err(|error| error.to_string())?;
    Ok(fields
        .iter()
        .map(|field| match field.split_once('=') {
            Some((key, value)) => (key.to_owned(), value.to_owned()),
            None => (field.clone(), String::new()),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(options: &[&str]) -> Result<BuildOptions, String> {
        let env = options
            .iter()
            .enumerate()
            .map(|(n, option)| (format!("BUILDKIT_FRONTEND_OPT_{n}"), (*option).to_owned()));
        BuildOptions::from_env(env).map_err(|diagnostic| diagnostic.text())
    }

    /// Texts as `dockerfile.v0` 1.28 gave them.
    #[test]
    fn refuses_with_the_official_texts() {
        for (option, expected) in [
            (
                "memory=zz",
                "failed to parse resource limits: invalid memory value: zz: strconv.ParseInt: parsing \"zz\": invalid syntax",
            ),
            ("memory=0", "failed to parse resource limits: invalid memory value: 0: must be > 0"),
            (
                "memory=1.5",
                "failed to parse resource limits: invalid memory value: 1.5: strconv.ParseInt: parsing \"1.5\": invalid syntax",
            ),
            (
                "memswap=-2",
                "failed to parse resource limits: invalid memswap value: -2: must be -1 (unlimited) or > 0",
            ),
            ("cpushares=0", "failed to parse resource limits: invalid cpushares value: 0: must be > 0"),
            (
                "cpuperiod=a",
                "failed to parse resource limits: invalid cpuperiod value: a: strconv.ParseUint: parsing \"a\": invalid syntax",
            ),
            ("cpuquota=-3", "failed to parse resource limits: invalid cpuquota value: -3: must be > 0"),
            (
                "cpusetcpus=a",
                "failed to parse resource limits: invalid cpusetcpus value: a: invalid cpuset element \"a\"",
            ),
            (
                "cpusetcpus=3-1",
                "failed to parse resource limits: invalid cpusetcpus value: 3-1: invalid cpuset range \"3-1\"",
            ),
            ("add-hosts=abc", "failed to parse additional hosts: invalid key-value pair abc"),
            ("add-hosts=a=1.2.3", "failed to parse additional hosts: failed to parse IP 1.2.3"),
            (
                "add-hosts=\"a=1.2.3",
                "failed to parse additional hosts: parse error on line 1, column 2: extraneous or missing \" in quoted-field",
            ),
            ("shm-size=x", "failed to parse shm size: strconv.ParseInt: parsing \"x\": invalid syntax"),
            ("ulimit=nofile", "failed to parse ulimit: invalid ulimit argument: nofile"),
            ("ulimit=nofi=1", "failed to parse ulimit: invalid ulimit type: nofi"),
            (
                "ulimit=nofile=1:2:3",
                "failed to parse ulimit: too many limit value arguments - 1:2:3, can only have up to two, `soft[:hard]`",
            ),
            ("ulimit=nofile=x", "failed to parse ulimit: strconv.ParseInt: parsing \"x\": invalid syntax"),
            (
                "ulimit=nofile=5:2",
                "failed to parse ulimit: ulimit soft limit must be less than or equal to hard limit: 5 > 2",
            ),
            (
                "ulimit=nofile=-1:2",
                "failed to parse ulimit: ulimit soft limit must be less than or equal to hard limit: soft: -1 (unlimited), hard: 2",
            ),
            ("force-network-mode=zz", "invalid netmode zz"),
            ("attest:foo=", "unknown attestation type \"foo\""),
            ("attest:sbom=generator=", "failed to parse sbom scanner : invalid reference format"),
            (
                "attest:sbom=generator=FOO",
                "failed to parse sbom scanner FOO: invalid reference format: repository name (library/FOO) must be lowercase",
            ),
            (
                "attest:sbom=\"a",
                "failed to parse sbom: parse error on line 1, column 2: extraneous or missing \" in quoted-field",
            ),
            ("multi-platform=zz", "invalid boolean value for multi-platform: zz"),
            ("build-arg:BUILDKIT_MULTI_PLATFORM=yy", "invalid boolean value for multi-platform: yy"),
            (
                "platform=foo",
                "failed to parse target platform foo: \"foo\": unknown operating system or architecture: invalid argument",
            ),
            ("image-resolve-mode=zz", "invalid image-resolve-mode: zz"),
            ("override-copy-image=x", "support for \"override-copy-image\" was removed in BuildKit 0.11"),
            (
                "build-arg:BUILDKIT_DISABLE_FILEOP=true",
                "support for \"BUILDKIT_DISABLE_FILEOP\" build-arg was removed in BuildKit 0.11",
            ),
            (
                "build-arg:BUILDKIT_GIT_ADVICE=zz",
                "failed to parse build-arg:BUILDKIT_GIT_ADVICE: strconv.ParseBool: parsing \"zz\": invalid syntax",
            ),
        ] {
            assert_eq!(read(&[option]).unwrap_err(), expected, "{option}");
        }
        assert_eq!(
            read(&["multi-platform=false", "platform=linux/amd64,linux/arm64"]).unwrap_err(),
            "conflicting config: returning multiple target platforms is not allowed"
        );
    }

    #[test]
    fn reads_each_option_once() {
        let options = read(&[
            "build-arg:EMPTY=",
            "build-arg:URL=http://x/?a=b",
            "label:a=b=c",
            "context:alpine::linux/arm64=docker-image://x",
            "no-cache=Build,Final",
            "cache-imports=[{\"Type\":\"registry\",\"Attrs\":{\"ref\":\"r\"}}]",
            "cache-from=s,t",
            "add-hosts=A=::ffff:1.2.3.4",
            "ulimit=nofile=1:2",
            "memory=5",
            "platform=linux/arm64/v8",
            "frontend.caps=moby.buildkit.frontend.contexts+forward,foo+forward",
            "attest:sbom=generator=scan,Key=V,flag",
            "contextkey=mine",
            "mine=https://x/y.git",
            "context=ignored",
            "build-arg:BUILDKIT_DISTROLESS=off",
        ])
        .unwrap();
        assert_eq!(options.filename, "Dockerfile");
        assert_eq!(options.build_args["EMPTY"], "");
        assert_eq!(options.build_args["URL"], "http://x/?a=b");
        assert_eq!(options.labels["a"], "b=c");
        assert_eq!(options.named_contexts["alpine::linux/arm64"], "docker-image://x");
        assert_eq!(options.no_cache, NoCache::Stages(vec!["build".into(), "final".into()]));
        let refs: Vec<&str> =
            options.cache_imports.iter().map(|import| import.attrs["ref"].as_str()).collect();
        assert_eq!(refs, ["r", "s", "t"]);
        assert_eq!(options.extra_hosts, [("a".to_owned(), "1.2.3.4".to_owned())]);
        assert_eq!((options.ulimits[0].soft, options.ulimits[0].hard), (1, 2));
        assert_eq!(options.resources.as_ref().unwrap().memory, 5);
        assert_eq!(options.platforms[0].format(), "linux/arm64");
        assert!(!options.is_multi_platform());
        assert_eq!(options.unsupported_cap(), Some("foo"));
        let sbom = options.sbom.as_ref().unwrap();
        assert_eq!(sbom.generator.as_ref().unwrap().to_string(), "docker.io/library/scan:latest");
        assert_eq!(sbom.parameters["Key"], "V");
        assert_eq!(sbom.parameters["flag"], "");
        assert_eq!(options.context.as_deref(), Some("https://x/y.git"));
        assert_eq!(options.distroless_arg.as_deref(), Some("off"));
    }
}
