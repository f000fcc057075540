//! Work on many items, a bounded number at a time, with the results in the order of the items.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

/// Hands the result of each item to `tell` in the items' order, as soon as those before it are there.
///
/// Each lane takes one item at a time into rayon's pool. Were the items a parallel iterator, a thread
/// that waits for the rest of its item would begin another, and so have any number of them half done.
///
/// # Errors
/// The first of `tell`; items that are not begun by then are left.
pub(super) fn in_order<T: Sync, R: Send>(
    items: &[T],
    lanes: usize,
    work: &(dyn Fn(&T) -> R + Sync),
    tell: &mut dyn FnMut(R) -> io::Result<()>,
) -> io::Result<()> {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..lanes.clamp(1, items.len().max(1)) {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { break };
                    let result = rayon::scope(|_| work(item));
                    // Nobody listens once `tell` has failed.
                    if sender.send((index, result)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        // Taken into this scope, so that the lanes see it end with an error of `tell`.
        let receiver = receiver;
        let mut early = BTreeMap::new();
        let mut due = 0;
        for (index, result) in &receiver {
            early.insert(index, result);
            while let Some(result) = early.remove(&due) {
                tell(result)?;
                due += 1;
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_the_order_and_lanes_bound_what_is_in_flight() {
        let items: Vec<u64> = (0..60).collect();
        for lanes in [1, 3, 100] {
            let (flying, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let mut told = Vec::new();
            let work = |item: &u64| {
                let now = flying.fetch_add(1, Ordering::SeqCst) + 1;
                most.fetch_max(now, Ordering::SeqCst);
                // The first of each ten takes longest, so that others overtake it.
                let length = if item.is_multiple_of(10) { 5 } else { item % 3 };
                std::thread::sleep(std::time::Duration::from_millis(length));
                flying.fetch_sub(1, Ordering::SeqCst);
                *item
            };
            let tell = &mut |item| {
                told.push(item);
                Ok(())
            };
            in_order(&items, lanes, &work, tell).unwrap();
            assert_eq!(told, items, "{lanes} lanes");
            assert!(most.into_inner() <= lanes);
        }
    }

    #[test]
    fn a_failure_to_tell_ends_the_work() {
        let begun = AtomicUsize::new(0);
        let items = vec![(); 1000];
        let work = |(): &()| {
            begun.fetch_add(1, Ordering::SeqCst);
            std::thread::sleep(std::time::Duration::from_millis(1));
        };
        let error = in_order(&items, 2, &work, &mut |()| {
            Err(io::ErrorKind::BrokenPipe.into())
        });
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        assert!(begun.into_inner() < 1000);
    }

    #[test]
    fn no_items_are_no_work() {
        in_order(&[], 4, &|(): &()| (), &mut |()| Ok(())).unwrap();
    }
}
