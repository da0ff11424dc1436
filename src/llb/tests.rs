//! Graphs against the digests, metadata and tables that `dockerfile.v0` 1.28 gave for the same Dockerfiles.

use std::collections::BTreeMap;

use prost::Message;

use super::op::{
    Access, ContentCache, CopyAction, ExecOp, FileAction, FileOp, Mount, MountKind, NetMode, Op, Owner,
    Sharing, SourceOp, UserRef,
};
use super::{Caps, Definition, Graph, ImportError, Marshalled, NodeMeta, Output, SourceMap, State};
use crate::dockerfile::source::Span;
use crate::image::platform::Platform;
use crate::proto::pb;

const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const BUSYBOX: &str = "docker-image://docker.io/library/busybox:latest@sha256:\
                       99f76eb4919ed06709ef9829ba6475f10e828025b862a797f0d01c362b1b6a9e";

fn amd64() -> Option<Platform> {
    Some(Platform { architecture: "amd64".to_owned(), os: "linux".to_owned(), ..Platform::default() })
}

fn current_daemon() -> Caps {
    ["exec.meta.setsdefaultpath"].into_iter().collect()
}

fn image(graph: &mut Graph, meta: NodeMeta) -> State {
    let source = SourceOp { identifier: BUSYBOX.to_owned(), attrs: BTreeMap::new() };
    Some(graph.add(Op::Source(source), amd64(), meta).output())
}

fn bind(dest: &str, source: State, selector: &str, access: Access) -> Mount {
    let selector = selector.to_owned();
    let content_cache = ContentCache::Default;
    Mount { dest: dest.to_owned(), kind: MountKind::Bind { source, selector, access, content_cache } }
}

fn run(graph: &mut Graph, exec: ExecOp) -> State {
    let common = ExecOp { cwd: "/".to_owned(), remove_mount_stubs_recursive: true, ..exec };
    Some(graph.add(Op::Exec(Box::new(common)), amd64(), NodeMeta::default()).output())
}

fn path_copy(source: State, src: &str, dest: &str) -> CopyAction {
    CopyAction {
        follow_symlink: true,
        dir_copy_contents: true,
        allow_wildcard: true,
        allow_empty_wildcard: true,
        ..CopyAction::new(source, src, dest)
    }
}

fn file(graph: &mut Graph, base: State, actions: Vec<FileAction>) -> State {
    Some(graph.add(Op::File(FileOp { base, actions }), None, NodeMeta::default()).output())
}

fn copy(graph: &mut Graph, base: State, action: CopyAction) -> State {
    file(graph, base, vec![FileAction::Copy(Box::new(action))])
}

fn owner(user: UserRef, group: UserRef) -> Option<Owner> {
    Some(Owner { user: Some(user), group: Some(group) })
}

fn digest_of(marshalled: &Marshalled, state: State) -> &str {
    &marshalled.digests[&state.expect("not scratch").node]
}

/// A stage with every kind of mount, linked copies, a heredoc.
#[test]
fn digests_equal_the_official_ones() {
    let mut graph = Graph::default();
    let base = image(&mut graph, NodeMeta::default());
    let cache = MountKind::Cache {
        source: None,
        selector: String::new(),
        id: "//c".to_owned(),
        sharing: Sharing::Shared,
        readonly: false,
    };
    let secret = MountKind::Secret { id: "s".to_owned(), uid: 0, gid: 0, mode: 0o400, optional: true };
    let ssh = MountKind::Ssh { id: String::new(), uid: 0, gid: 0, mode: 0o600, optional: true };
    let mounts = vec![
        bind("/", base, "", Access::Output),
        Mount { dest: "/c".to_owned(), kind: cache },
        Mount { dest: "/run/buildkit/ssh_agent.0".to_owned(), kind: ssh },
        Mount { dest: "/run/secrets/s".to_owned(), kind: secret },
        bind("/w", base, "", Access::Discard),
        Mount { dest: "/t".to_owned(), kind: MountKind::Tmpfs { size: 5 << 20, readonly: false } },
    ];
    let built = run(
        &mut graph,
        ExecOp {
            args: ["/bin/sh", "-c", "echo $X"].map(str::to_owned).into(),
            env: [PATH, "X=1"].map(str::to_owned).into(),
            mounts,
            network: NetMode::None,
            ..ExecOp::default()
        },
    );
    let passwd =
        CopyAction { owner: owner(UserRef::Id(1), UserRef::Id(2)), ..path_copy(built, "/etc/passwd", "/p") };
    let linked = copy(&mut graph, None, passwd);
    let final_base = image(&mut graph, NodeMeta::default());
    let merged = merge(&mut graph, final_base, linked);
    let group =
        CopyAction { owner: owner(UserRef::Id(0), UserRef::Id(3)), ..path_copy(built, "/etc/group", "/q/") };
    let copied = copy(&mut graph, merged, group);
    let ran = run(
        &mut graph,
        ExecOp {
            args: ["/bin/sh", "-c", "true"].map(str::to_owned).into(),
            env: vec![PATH.to_owned()],
            mounts: vec![bind("/", copied, "", Access::Output), bind("/e", built, "/etc", Access::Readonly)],
            ..ExecOp::default()
        },
    );
    let document = file(
        &mut graph,
        None,
        vec![FileAction::Mkfile {
            path: "/E".to_owned(),
            mode: 0o644,
            data: b"hi\n".to_vec(),
            owner: None,
            timestamp: -1,
        }],
    );
    let placed = copy(&mut graph, None, CopyAction::new(document, "/E", "/z"));
    let result = merge(&mut graph, ran, placed);
    let marshalled = graph.marshal(result, &SourceMap::default(), &current_daemon());
    for (summary, state, expected) in [
        ("image", base, "bfd53b8fe0153fbcf6ac4ed0ecdc9773139e1ef852ba5ac1d9a20c19cdb0c499"),
        ("exec with mounts", built, "239f8ed8bceb02c8b4809df8cf00717bc56ef4607f6b9eae5e9a455893d5a215"),
        ("copy on scratch", linked, "7f9ded30cadd52e24564daa33c2f354b58f2d80f9c2fd36dc82d967f9fd1a7a4"),
        ("merge", merged, "28e2c0a62cc5dc01570f85a8ba9496cdae2bcd6601f24dae301553939004caa4"),
        ("copy", copied, "0f957c922c8d2878d2c046e908a43794b2c81b901b71f34f43035dc77cb3f6da"),
        ("exec with a bind", ran, "2b6c19fa890a99c594e6d2b2a14b80af351ec9b1115de58d9612b3f5026276f2"),
        ("mkfile", document, "68ccb8a04f75a4d2dcc1df757ea08cb71797c4894b67d6ddea5ca1147352c4b8"),
        ("plain copy", placed, "19da42ac33df66e4d9779354371445912df1ece501d6b2154a6349443d9cddf5"),
        ("result", result, "03f98fe946d38c90f1a8dece11cbceb8e720993c5c7346dff5a28a8008790b3e"),
    ] {
        assert_eq!(digest_of(&marshalled, state), format!("sha256:{expected}"), "{summary}");
    }
    let definition = &marshalled.definition;
    assert_eq!(definition.ops().len(), 10, "both images are one op");
    assert_eq!(definition.result_vertex().as_deref(), Some(digest_of(&marshalled, result)));
    let exec_caps = [
        "exec.meta.base",
        "exec.meta.network",
        "exec.meta.setsdefaultpath",
        "exec.mount.bind",
        "exec.mount.cache",
        "exec.mount.cache.sharing",
        "exec.mount.secret",
        "exec.mount.ssh",
        "exec.mount.tmpfs",
        "exec.mount.tmpfs.size",
    ];
    assert_eq!(caps_of(definition, digest_of(&marshalled, built)), exec_caps);
    assert_eq!(caps_of(definition, digest_of(&marshalled, copied)), ["file.base"]);
    assert_eq!(caps_of(definition, digest_of(&marshalled, merged)), ["mergeop"]);
    assert_eq!(caps_of(definition, digest_of(&marshalled, base)), ["source.image"]);
    let terminal = "sha256:967a3a2dd4a73fad77638aab50044e13faef00d361bc12ae13baefba041d232c";
    assert_eq!(caps_of(definition, terminal), ["constraints", "platform"]);
}

fn merge(graph: &mut Graph, lower: State, upper: State) -> State {
    let operands = lower.into_iter().chain(upper).collect();
    Some(graph.add(Op::Merge(operands), None, NodeMeta::default()).output())
}

fn caps_of(definition: &Definition, digest: &str) -> Vec<String> {
    definition.0.metadata[digest].caps.keys().cloned().collect()
}

/// Decodes what one op became, so that a test can look at one table of it.
fn only_op(graph: &Graph, state: State, caps: &Caps) -> pb::Op {
    let marshalled = graph.marshal(state, &SourceMap::default(), caps);
    let ops = marshalled.definition.ops();
    pb::Op::decode(ops[ops.len() - 2].as_slice()).unwrap()
}

#[test]
fn empty_values_of_attributes_are_written() {
    let mut graph = Graph::default();
    let attrs = [("local.unique", ""), ("", "x")];
    let source = SourceOp {
        identifier: "local://c".to_owned(),
        attrs: attrs.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
    };
    let state = Some(graph.add(Op::Source(source), None, NodeMeta::default()).output());
    let marshalled = graph.marshal(state, &SourceMap::default(), &Caps::default());
    let expected = [
        b"\x5a\x00".as_slice(),       // empty constraints come before the member
        b"\x1a\x24\x0a\x09local://c", // source, identifier
        b"\x12\x05\x0a\x00\x12\x01x", // key "" sorts first
        b"\x12\x10\x0a\x0clocal.unique\x12\x00",
    ]
    .concat();
    assert_eq!(marshalled.definition.ops()[0], expected);
}

#[test]
fn old_daemons_get_the_default_path() {
    let mut graph = Graph::default();
    let base = image(&mut graph, NodeMeta::default());
    for (summary, env, expected) in [
        ("no PATH", vec!["A=b"], vec!["A=b", PATH]),
        ("own PATH", vec!["PATH=/x", "A=b"], vec!["PATH=/x", "A=b"]),
    ] {
        let exec = ExecOp {
            args: vec!["a".to_owned()],
            env: env.into_iter().map(str::to_owned).collect(),
            mounts: vec![bind("/", base, "", Access::Output)],
            ..ExecOp::default()
        };
        let state = run(&mut graph, exec);
        let Some(pb::op::Op::Exec(exec)) = only_op(&graph, state, &Caps::default()).op else {
            panic!("{summary}: no exec op");
        };
        assert_eq!(exec.meta.unwrap().env, expected, "{summary}");
    }
}

#[test]
fn outputs_are_numbered_by_destination() {
    let mut graph = Graph::default();
    let base = image(&mut graph, NodeMeta::default());
    let exec = ExecOp {
        args: vec!["a".to_owned()],
        mounts: vec![
            bind("/", base, "", Access::Readonly),
            bind("/out/b", None, "", Access::Output),
            bind("/in", base, "", Access::Readonly),
            bind("/out/a", None, "", Access::Output),
        ],
        ..ExecOp::default()
    };
    for (dest, expected) in [("/out/a", Some(0)), ("/out/b", Some(1)), ("/in", None), ("/x", None)] {
        assert_eq!(exec.output_of(dest), expected, "{dest}");
    }
    let state = run(&mut graph, exec);
    let op = only_op(&graph, state, &current_daemon());
    assert_eq!(op.inputs.len(), 1, "one vertex, one input");
    let Some(pb::op::Op::Exec(exec)) = op.op else { panic!("no exec op") };
    let table: Vec<_> =
        exec.mounts.iter().map(|mount| (mount.dest.as_str(), mount.input, mount.output)).collect();
    assert_eq!(table, [("/", 0, -1), ("/in", 0, -1), ("/out/a", -1, 0), ("/out/b", -1, 1)]);
}

/// dockerfile-semantics A.2: two copies with owners by name on a base.
#[test]
fn actions_are_chained_and_names_are_looked_up_in_the_base() {
    let mut graph = Graph::default();
    let base = image(&mut graph, NodeMeta::default());
    let context = file(
        &mut graph,
        None,
        vec![FileAction::Mkdir {
            path: "/d".to_owned(),
            mode: 0o755,
            make_parents: true,
            owner: None,
            timestamp: -1,
        }],
    );
    let named = || owner(UserRef::Name("bob".to_owned()), UserRef::Name("grp".to_owned()));
    let actions = ["/a", "/b"]
        .map(|src| CopyAction { owner: named(), ..path_copy(context, src, "/w/.") })
        .map(|copy| FileAction::Copy(Box::new(copy)));
    let state = file(&mut graph, base, actions.into());
    let op = only_op(&graph, state, &current_daemon());
    assert_eq!(op.inputs.len(), 2);
    let Some(pb::op::Op::File(file)) = op.op else { panic!("no file op") };
    let table: Vec<_> =
        file.actions.iter().map(|action| (action.input, action.secondary_input, action.output)).collect();
    assert_eq!(table, [(0, 1, -1), (2, 1, 0)]);
    let Some(pb::file_action::Action::Copy(copy)) = &file.actions[1].action else { panic!("no copy") };
    let by_name = |name: &str| {
        let named = pb::NamedUserOpt { name: name.to_owned(), input: 0 };
        Some(pb::UserOpt { user: Some(pb::user_opt::User::ByName(named)) })
    };
    assert_eq!(copy.owner, Some(pb::ChownOpt { user: by_name("bob"), group: by_name("grp") }));
}

#[test]
fn merge_and_diff_have_an_input_for_each_operand() {
    let mut graph = Graph::default();
    let base = image(&mut graph, NodeMeta::default());
    let twice = merge(&mut graph, base, base);
    let op = only_op(&graph, twice, &current_daemon());
    assert_eq!(op.inputs.len(), 2, "the daemon wants duplicates repeated");
    let diff = Op::Diff { lower: None, upper: base };
    let diff = Some(graph.add(diff, None, NodeMeta::default()).output());
    let op = only_op(&graph, diff, &current_daemon());
    let Some(pb::op::Op::Diff(diff)) = op.op else { panic!("no diff op") };
    assert_eq!((diff.lower.unwrap().input, diff.upper.unwrap().input), (-1, 0));
}

#[test]
fn equal_nodes_are_one_vertex_with_all_places() {
    let mut graph = Graph::default();
    let from = |name: &str, line| NodeMeta {
        name: Some(name.to_owned()),
        ignore_cache: line == 1,
        spans: vec![Span::lines(line, line + 1)],
        ..NodeMeta::default()
    };
    let first = image(&mut graph, from("one", 1));
    let second = image(&mut graph, from("two", 4));
    let result = merge(&mut graph, first, second);
    let file = SourceMap {
        filename: "Dockerfile".to_owned(),
        data: b"FROM x\n".to_vec(),
        language: "Dockerfile".to_owned(),
        definition: None,
    };
    let marshalled = graph.marshal(result, &file, &current_daemon());
    assert_eq!(digest_of(&marshalled, first), digest_of(&marshalled, second));
    let definition = &marshalled.definition.0;
    let metadata = &definition.metadata[digest_of(&marshalled, first)];
    assert_eq!(metadata.description["llb.customname"], "two");
    assert!(metadata.ignore_cache);
    let source = definition.source.as_ref().unwrap();
    assert_eq!(source.infos[0].filename, "Dockerfile");
    let lines: Vec<Vec<i32>> = source.locations[digest_of(&marshalled, first)]
        .locations
        .iter()
        .map(|place| place.ranges.iter().map(|range| range.start.unwrap().line).collect())
        .collect();
    assert_eq!(lines, [vec![1, 2], vec![4, 5]]);
    let terminal = definition.def.last().map(|op| super::encode::digest(op)).unwrap();
    assert_eq!(
        caps_of(&marshalled.definition, &terminal),
        ["constraints", "meta.description", "meta.ignorecache", "platform"]
    );
}

#[test]
fn imported_definitions_keep_their_bytes_and_places() {
    let mut original = Graph::default();
    let meta =
        NodeMeta { name: Some("theirs".to_owned()), spans: vec![Span::lines(7, 7)], ..NodeMeta::default() };
    let base = image(&mut original, meta);
    let exec = ExecOp {
        args: vec!["make".to_owned()],
        mounts: vec![bind("/", base, "", Access::Output), bind("/out", None, "", Access::Output)],
        ..ExecOp::default()
    };
    let result = run(&mut original, exec).map(|output| Output { index: 1, ..output });
    let their_file = SourceMap { filename: "theirs".to_owned(), ..SourceMap::default() };
    let foreign = original.marshal(result, &their_file, &current_daemon()).definition;
    let foreign = Definition::decode(&foreign.encode()).unwrap();

    let mut graph = Graph::default();
    let imported = graph.import(&foreign).unwrap();
    assert_eq!(imported.unwrap().index, 1);
    let again = graph.marshal(imported, &SourceMap::default(), &current_daemon());
    assert_eq!(again.definition, foreign, "alone it is the same definition");

    let meta = NodeMeta { spans: vec![Span::lines(1, 1)], ..NodeMeta::default() };
    let own = Op::File(FileOp {
        base: imported,
        actions: vec![FileAction::Copy(Box::new(CopyAction::new(imported, "/a", "/b")))],
    });
    let own = Some(graph.add(own, None, meta).output());
    let our_file = SourceMap { filename: "ours".to_owned(), ..SourceMap::default() };
    let both = graph.marshal(own, &our_file, &current_daemon()).definition.0;
    let source = both.source.unwrap();
    let names: Vec<&str> = source.infos.iter().map(|info| info.filename.as_str()).collect();
    assert_eq!(names, ["ours", "theirs"]);
    let indexes: Vec<i32> = source
        .locations
        .values()
        .flat_map(|places| places.locations.iter().map(|place| place.source_index))
        .collect();
    assert!(indexes.contains(&0) && indexes.contains(&1), "{indexes:?}");
}

#[test]
fn broken_definitions_are_refused() {
    let mut graph = Graph::default();
    let definition = |def: Vec<Vec<u8>>| Definition(pb::Definition { def, ..pb::Definition::default() });
    let input = |digest: &str, index| pb::Input { digest: digest.to_owned(), index };
    let op = |inputs: Vec<pb::Input>| pb::Op { inputs, ..pb::Op::default() }.encode_to_vec();
    let empty = op(Vec::new());
    let known = super::encode::digest(&empty);
    for (summary, def, expected) in [
        ("scratch", vec![], Ok(None)),
        ("no protobuf", vec![vec![0xff], empty.clone()], Err(ImportError::Op { index: 0 })),
        ("no result", vec![empty.clone(), empty.clone()], Err(ImportError::NoResult)),
        (
            "unknown input",
            vec![op(vec![input("sha256:x", 0)])],
            Err(ImportError::MissingInput { index: 0, digest: "sha256:x".to_owned() }),
        ),
        (
            "negative output",
            vec![empty.clone(), op(vec![input(&known, -1)])],
            Err(ImportError::Output { index: 1, output: -1 }),
        ),
    ] {
        assert_eq!(graph.import(&definition(def)), expected, "{summary}");
    }
    assert!(Definition::decode(&[0xff]).is_err());
}

#[test]
fn scratch_is_the_empty_definition() {
    let marshalled = Graph::default().marshal(None, &SourceMap::default(), &Caps::default());
    assert!(marshalled.definition.is_scratch());
    assert_eq!(marshalled.definition.result_vertex(), None);
}
