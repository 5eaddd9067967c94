//! Tasks: what is sent for one, and that each is told to its end.

use super::*;
use crate::model::errand::{Errand, Outcome, Scale, Task, TaskId};

const ID: TaskId = TaskId(7);

fn reset() -> Task {
    Task::Each { errand: Errand::Reset, targets: vec![target()] }
}

impl Client {
    async fn outcome(&mut self) -> Outcome {
        self.wait(|report| match report {
            Report::Did { task: ID, outcome } => Some((**outcome).clone()),
            _ => None,
        })
        .await
    }

    async fn ended(&mut self) {
        self.wait(|report| (*report == Report::TaskEnded(ID)).then_some(())).await;
    }
}

#[tokio::test]
async fn a_task_is_sent_and_told_to_its_end() {
    let peer = Peer::new();
    let mut client = Client::new(&peer, timings());
    let mut rpc = peer.accept_live().await;
    client.live().await;
    client.handle.perform(ID, reset());
    assert_eq!(rpc.calls(1).await, [("resetMetaProcessId".to_owned(), json!([1]))]);
    let outcome = tokio::select! {
        outcome = client.outcome() => outcome,
        never = rpc.serve() => match never {},
    };
    assert_eq!((outcome.target, outcome.verdict), (Some(target()), Verdict::Done));
    client.ended().await;
}

#[tokio::test]
async fn another_process_under_the_same_id_gets_no_errand() {
    let peer = Peer::new();
    let mut client = Client::new(&peer, timings());
    let mut rpc = peer.accept_live().await;
    client.live().await;
    rpc.polled["name"] = json!("delta");
    rpc.polled["pm2_env"]["name"] = json!("delta");
    let scale = Task::Scale { targets: vec![target()], to: Scale::Up(1) };
    for task in [reset(), scale] {
        client.handle.perform(ID, task);
        let outcome = tokio::select! {
            outcome = client.outcome() => outcome,
            call = rpc.call() => panic!("sent: {call:?}"),
        };
        assert_eq!(outcome.verdict, Verdict::Replaced { by: "id 1 is delta now".into() });
        client.ended().await;
    }
}

#[tokio::test]
async fn a_suspension_ends_a_task_that_is_under_way() {
    let peer = Peer::new();
    let mut client = Client::new(&peer, timings());
    let mut rpc = peer.accept_live().await;
    client.live().await;
    client.handle.perform(ID, reset());
    rpc.call().await.unwrap();
    client.handle.suspend().await;
    let verdict = client.outcome().await.verdict;
    assert!(matches!(verdict, Verdict::Unknown { is_closed: true, .. }), "{verdict:?}");
    client.ended().await;
    for task in [reset(), Task::Resurrect] {
        client.handle.perform(ID, task);
        let verdict = client.outcome().await.verdict;
        assert_eq!(verdict, Verdict::Refused("suspended, nothing was sent".into()));
        client.ended().await;
    }
}

#[tokio::test]
async fn what_a_restart_watches_again_is_switched_off_again() {
    let peer = Peer::new();
    let mut client = Client::new(&peer, timings());
    let mut rpc = peer.accept_live().await;
    client.live().await;
    rpc.polled["pm2_env"]["watch"] = json!(true);
    let off = Task::Each { errand: Errand::Watch(false), targets: vec![target()] };
    client.handle.perform(ID, off);
    let call = ("stopWatch".to_owned(), json!(["restartProcessId", 1]));
    // The first was answered with success, and the restart under way undid it.
    assert_eq!(rpc.calls(2).await, [call.clone(), call]);
    rpc.polled["pm2_env"]["watch"] = json!(false);
    let outcome = tokio::select! {
        outcome = client.outcome() => outcome,
        never = rpc.serve() => match never {},
    };
    assert_eq!(outcome.verdict, Verdict::Done);
    client.ended().await;
}
