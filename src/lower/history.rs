//! History entries of the image config.

use crate::image::config::{History, ImageConfig};
use crate::stage::epoch::Time;

/// What the official frontend writes as comment.
const COMMENT: &str = "buildkit.dockerfile.v0";

/// Adds an entry for an instruction that only changes the config.
pub(super) fn note(config: &mut ImageConfig, epoch: Option<Time>, created_by: String) {
    push(config, epoch, created_by, true);
}

/// Adds an entry for an instruction that makes a layer.
pub(super) fn layer(config: &mut ImageConfig, epoch: Option<Time>, created_by: String) {
    push(config, epoch, created_by, false);
}

fn push(config: &mut ImageConfig, epoch: Option<Time>, created_by: String, empty_layer: bool) {
    config.history.push(History {
        created: epoch.map(rfc3339),
        created_by,
        author: String::new(),
        comment: COMMENT.to_owned(),
        empty_layer,
    });
}

/// A time as `2023-11-14T22:13:20Z`, or with the zone that it was written in.
pub fn rfc3339(time: Time) -> String {
    let seconds = time.seconds.saturating_add(i64::from(time.zone) * 60);
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    let zone = match time.zone {
        0 => "Z".to_owned(),
        zone => {
            let (sign, zone) = (if zone < 0 { '-' } else { '+' }, zone.abs());
            format!("{sign}{:02}:{:02}", zone / 60, zone % 60)
        }
    };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{zone}")
}

/// The Gregorian date of a day counted from 1970-01-01; years start in March so that leap days come last.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days.saturating_add(719_468);
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::rfc3339;
    use crate::stage::epoch::Time;

    #[test]
    fn writes_seconds_in_their_zone() {
        for (seconds, zone, expected) in [
            (0, 0, "1970-01-01T00:00:00Z"),
            (1_700_000_000, 0, "2023-11-14T22:13:20Z"),
            (951_782_400, 0, "2000-02-29T00:00:00Z"),
            (-1, 0, "1969-12-31T23:59:59Z"),
            (0, 120, "1970-01-01T02:00:00+02:00"),
            (0, -90, "1969-12-31T22:30:00-01:30"),
        ] {
            assert_eq!(rfc3339(Time { seconds, zone }), expected);
        }
    }
}
