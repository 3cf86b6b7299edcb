//! Times and shares as people say them.

use super::process::TICKS;

/// A time of so many seconds, by its two largest units.
pub fn time(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match () {
        () if days > 0 => format!("{days}d{:02}h", hours % 24),
        () if hours > 0 => format!("{hours}h{:02}m", minutes % 60),
        () if minutes > 0 => format!("{minutes}m{:02}s", seconds % 60),
        () => format!("{seconds}s"),
    }
}

/// Processor time of so many hundredths of a second: minutes, seconds, hundredths.
pub fn processor(ticks: u64) -> String {
    format!("{}:{:02}.{:02}", ticks / TICKS / 60, ticks / TICKS % 60, ticks % TICKS)
}

/// One part of another, in percent with one digit behind the point.
pub fn percent(part: u64, whole: u64) -> String {
    let thousandths = part.saturating_mul(1000).checked_div(whole).unwrap_or(0);
    format!("{}.{}", thousandths / 10, thousandths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_said_by_its_two_largest_units() {
        for (seconds, said) in [(0, "0s"), (59, "59s"), (61, "1m01s"), (3600, "1h00m"), (90_000, "1d01h"), (8_640_000, "100d00h")]
        {
            assert_eq!(time(seconds), said);
        }
        assert_eq!([0, 99, 100, 6000, 360_042].map(processor), ["0:00.00", "0:00.99", "0:01.00", "1:00.00", "60:00.42"]);
    }

    #[test]
    fn a_part_of_nothing_is_nothing() {
        assert_eq!([percent(1, 0), percent(0, 5), percent(1, 3), percent(400, 200)], ["0.0", "0.0", "33.3", "200.0"]);
    }
}
