//! VOLUME: a container's volume starts with what the image holds there, so that comes along.

use super::application::Patterns;
use super::reason;
use super::roots::Wish;
use super::set::{Closure, Strength};
use crate::rootfs::{RootfsError, RootfsPath};

impl Closure<'_> {
    /// What a stage that is cut down holds at its VOLUMEs, but for what is never the application's.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn volume_contents(&mut self) -> Result<Vec<Wish>, RootfsError> {
        let never = Patterns::new(&self.world.rules.application.never);
        let mut wishes = Vec::new();
        for volume in &self.world.spec.config.volumes {
            let path = RootfsPath::parse(volume.as_bytes());
            if path.is_root() {
                continue;
            }
            let chain = reason::root("volume", volume.clone());
            let except = |path: &RootfsPath| never.cover(path);
            for path in self.bring_tree(self.first_view(), &path, &chain, Strength::Soft, &except)? {
                wishes.push(Wish { path, strength: Strength::Soft, started: false });
            }
        }
        Ok(wishes)
    }
}
