//! Work of many independent pieces, on all processors.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Calls `work` for each item, in no order.
///
/// # Errors
/// That of the first item, in the order of the items, that has one; later ones may not have been worked on.
pub(super) fn for_each<T: Sync, E: Send>(
    items: &[T],
    work: impl Fn(&T) -> Result<(), E> + Sync,
) -> Result<(), E> {
    let next = AtomicUsize::new(0);
    let failed: Mutex<Option<(usize, E)>> = Mutex::new(None);
    let run = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return };
            if let Err(error) = work(item) {
                // All before it were begun, and are finished, so the first is the same every time.
                next.store(items.len(), Ordering::Relaxed);
                let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                if failed.as_ref().is_none_or(|(first, _)| at < *first) {
                    *failed = Some((at, error));
                }
                return;
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MAX_THREADS);
    thread::scope(|scope| {
        for _ in 1..threads.min(items.len()) {
            // Where no further thread is allowed, those that there are do the work.
            if thread::Builder::new().spawn_scoped(scope, run).is_err() {
                break;
            }
        }
        run();
    });
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some((_, error)) => Err(error),
        None => Ok(()),
    }
}

/// More wait for the same disk.
const MAX_THREADS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_item_once() {
        for count in [0, 1, 2, 1000] {
            let done: Vec<AtomicUsize> = (0..count).map(|_| AtomicUsize::new(0)).collect();
            for_each(&done, |item| {
                item.fetch_add(1, Ordering::Relaxed);
                Ok::<(), ()>(())
            })
            .unwrap();
            assert!(done.iter().all(|item| item.load(Ordering::Relaxed) == 1), "{count}");
        }
    }

    #[test]
    fn the_first_error_is_told() {
        let items: Vec<u32> = (0..1000).collect();
        for _ in 0..20 {
            assert_eq!(for_each(&items, |item| if *item % 100 == 37 { Err(*item) } else { Ok(()) }), Err(37));
        }
    }
}
