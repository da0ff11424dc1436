//! Waiting for many calls at once, without a futures crate.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// Runs all `futures` on this task and returns their outputs in the same order.
pub async fn join_all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<Pin<Box<F>>> = futures.into_iter().map(Box::pin).collect();
    let mut outputs: Vec<Option<F::Output>> = waiting.iter().map(|_| None).collect();
    poll_fn(|context| {
        let mut pending = false;
        for (future, output) in waiting.iter_mut().zip(&mut outputs) {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    Poll::Ready(value) => *output = Some(value),
                    Poll::Pending => pending = true,
                }
            }
        }
        if pending { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    outputs.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_keep_the_order_of_the_futures() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let turns = |count: u32| async move {
            for _ in 0..count {
                tokio::task::yield_now().await;
            }
            count
        };
        assert_eq!(runtime.block_on(join_all([3, 0, 2].map(turns))), [3, 0, 2]);
        assert_eq!(runtime.block_on(join_all([0; 0].map(turns))), [0; 0]);
    }
}
