//! Where there is no `/proc`, nothing is measured: PM2's own figures are shown.

use super::{Asked, Clusters};
use crate::model::system::{Family, Host, Measured};
use crate::protocol::process::{PmId, ProcessInfo};

/// Measures nothing.
#[derive(Debug, Default)]
pub(super) struct Probe;

impl Probe {
    pub(super) fn begin(&mut self, _god: u32) -> usize {
        0
    }

    pub(super) fn measure(&mut self, _god: u32, _pids: &[(PmId, u32)]) -> Vec<Measured> {
        Vec::new()
    }

    pub(super) fn host(&mut self, _god: u32) -> Host {
        Host::default()
    }
}

pub(super) fn family(_god: u32, _info: &ProcessInfo, _clusters: &Clusters) -> Option<Family> {
    None
}

pub(super) fn ports(_asked: &Asked) -> Vec<(PmId, Box<[u16]>)> {
    Vec::new()
}

pub(super) fn zone(_god: u32) -> Option<jiff::tz::TimeZone> {
    None
}
