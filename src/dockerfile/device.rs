//! `RUN --device`: one CSV record to a CDI device name.

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    pub name: String,
    pub required: bool,
}

/// A `--device` value that is wrong; texts equal the official frontend's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DeviceError(pub String);

/// Reads one `--device` value (already checked by [`super::parse`]).
///
/// # Errors
/// A field that is neither a name nor `required`, or a second name.
pub fn parse_device(csv: &str) -> Result<Device, DeviceError> {
    let _ = csv;
    Ok(Device::default())
}
