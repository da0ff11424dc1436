//! `RUN --device`: one CSV record to a CDI device name.

use super::csv::{self, CsvError};
use super::number::boolean;
use super::suggest;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    pub name: String,
    pub required: bool,
}

/// A `--device` value that is wrong; texts equal the official frontend's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    #[error("failed to parse csv devices: {0}")]
    Csv(String),
    #[error("device name already set to {0}")]
    SecondName(String),
    #[error("invalid value for {key}: {value}")]
    Value { key: String, value: String },
    #[error("invalid field '{0}' must be a key=value pair")]
    Bare(String),
    #[error("unexpected key '{key}' in '{field}'{suggestion}")]
    Key { key: String, field: String, suggestion: String },
}

impl From<CsvError> for DeviceError {
    fn from(error: CsvError) -> Self {
        Self::Csv(error.to_string())
    }
}

/// Reads one `--device` value (already checked by [`super::parse`]).
///
/// The first field with no known key is the name, so `vendor/class=model` is one.
///
/// # Errors
/// A field that is neither a name nor `required`, or a second name.
pub fn parse_device(csv: &str) -> Result<Device, DeviceError> {
    let mut device = Device::default();
    for field in csv::fields(csv)? {
        let (key, value) = match field.split_once('=') {
            Some((key, value)) => (key.to_lowercase(), Some(value)),
            None => (field.to_lowercase(), None),
        };
        match (key.as_str(), value) {
            ("required", None) => device.required = true,
            ("required", Some(value)) => {
                device.required =
                    boolean(value).ok_or_else(|| DeviceError::Value { key, value: value.to_owned() })?;
            }
            ("name", Some(_)) if !device.name.is_empty() => {
                return Err(DeviceError::SecondName(device.name));
            }
            ("name", Some(value)) => value.clone_into(&mut device.name),
            _ if device.name.is_empty() => device.name = field,
            (_, None) => return Err(DeviceError::Bare(field)),
            (_, Some(_)) => {
                let suggestion = suggest::suffix(&key, ["name", "required"]);
                return Err(DeviceError::Key { key, field, suggestion });
            }
        }
    }
    Ok(device)
}

#[cfg(test)]
mod tests {
    use super::parse_device;

    #[test]
    fn reads_devices() {
        for (csv, expected) in [
            ("vendor/dev=foo", "vendor/dev=foo false"),
            ("vendor/dev=foo,required", "vendor/dev=foo true"),
            ("required=1,name=a", "a true"),
            ("a,required=0", "a false"),
            ("name=a,name=b", "! device name already set to a"),
            ("a,b", "! invalid field 'b' must be a key=value pair"),
            ("a,requird=1", "! unexpected key 'requird' in 'requird=1' (did you mean required?)"),
            ("a,required=v", "! invalid value for required: v"),
            ("", "! failed to parse csv devices: EOF"),
        ] {
            let found = match parse_device(csv) {
                Ok(device) => format!("{} {}", device.name, device.required),
                Err(error) => format!("! {error}"),
            };
            assert_eq!(found, expected, "{csv}");
        }
    }
}
