//! Reading a little ahead of whoever goes through many objects.
//!
//! A condition looks at a few places of each status, far apart in memory, and the processor would wait
//! for one after the other. Those of several objects are fetched at once if somebody touches them all
//! before anything is done with the first.

use std::hint::black_box;

use super::{Graph, ObjectId};

/// So many objects are read ahead at a time: enough to keep the memory busy, few enough to stay in the
/// nearest cache.
pub(crate) const AHEAD: usize = 16;

impl Graph {
    /// Touches the status of each of these objects.
    pub(crate) fn read_ahead(&self, objects: impl IntoIterator<Item = ObjectId>) {
        let mut touched = 0;
        for object in objects {
            let object = &self.objects[object.0 as usize];
            if let Some(status) = object.status {
                let document = &self.manifests[object.manifest as usize].document;
                touched ^= document.touch(status);
            }
        }
        black_box(touched);
    }
}
