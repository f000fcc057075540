//! `date`, `timedatectl`, `chronyc tracking`: what the host thinks of the time.

use crate::parse::host::Fact;

/// Clock of a host.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Clock {
    /// Time zone: `UTC`, `Europe/Berlin`.
    pub zone: Option<Fact<String>>,
    /// Output of `date` when the supportconfig was made: `Fri May  9 16:47:39 UTC 2025`.
    pub read_at: Option<Fact<String>>,
    /// Whether systemd calls the clock synchronised.
    pub synchronized: Option<Fact<bool>>,
    /// State of the time service as timedatectl has it: `active`, `inactive`, `n/a`.
    pub service: Option<Fact<String>>,
    /// Host's clock minus NTP time, in seconds: negative is slow.
    pub offset: Option<Fact<f64>>,
    /// chrony's leap status: `Normal`, `Not synchronised`.
    pub leap_status: Option<Fact<String>>,
}
