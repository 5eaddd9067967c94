//! Tasks: what is sent for one, and that each is told to its end.

use super::*;
use crate::daemon::act::STOPPED_LOOKS;
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
    let scale = Task::Scale { targets: vec![target()], to: Scale::Up(1), leaves: Vec::new() };
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
async fn a_scale_over_a_daemons_death_is_unknown_and_no_failure() {
    let peer = Peer::new();
    let mut client = Client::new(&peer, timings());
    let mut rpc = peer.accept_live().await;
    client.live().await;
    let scale = Task::Scale { targets: vec![target()], to: Scale::Up(1), leaves: Vec::new() };
    client.handle.perform(ID, scale);
    assert_eq!(rpc.call().await.unwrap().1, "duplicateProcessId");
    drop(rpc);
    let (step, whole) = (client.outcome().await, client.outcome().await);
    for outcome in [&step, &whole] {
        let verdict = &outcome.verdict;
        assert!(matches!(verdict, Verdict::Unknown { is_closed: true, .. }), "{outcome:?}");
    }
    assert!(!step.is_whole && whole.is_whole);
    let said = whole.sentence();
    assert!(said.ends_with("it may have happened: it had 1 process of the wanted 2"), "{said}");
    client.ended().await;
}

#[tokio::test]
async fn a_scale_counts_what_is_there_now_and_deletes_what_was_named() {
    let peer = Peer::new();
    let mut client = Client::new(&peer, timings());
    let mut rpc = peer.accept_live().await;
    client.live().await;
    let gone = Target { pm_id: PmId(2), ..target() };
    let targets = vec![gone.clone(), target()];
    let task = |to, leaves| Task::Scale { targets: targets.clone(), to, leaves };
    client.handle.perform(ID, task(Scale::To(1), vec![gone.clone()]));
    let outcome = tokio::select! {
        outcome = client.outcome() => outcome,
        call = rpc.call() => panic!("sent: {call:?}"),
    };
    assert_eq!((&outcome.verdict, outcome.note.as_deref()), (&Verdict::Already, Some("1 process")));
    client.ended().await;
    // Another one has come that nobody named.
    let mut sister = process();
    (sister["pm_id"], sister["pm2_env"]["pm_id"]) = (json!(3), json!(3));
    rpc.besides.push(sister);
    client.handle.perform(ID, task(Scale::To(1), vec![gone]));
    let outcome = tokio::select! {
        outcome = client.outcome() => outcome,
        call = rpc.call() => panic!("sent: {call:?}"),
    };
    let by = "api[3] was not named when this was asked".into();
    assert_eq!(outcome.verdict, Verdict::Replaced { by });
    client.ended().await;
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

/// While PM2 restarts a process it shows it as stopped for a moment, with the new settings, and then starts it
/// with the old ones.
#[tokio::test]
async fn what_is_about_to_start_again_is_no_stopped_one() {
    let peer = Peer::new();
    let mut client = Client::new(&peer, timings());
    let mut rpc = peer.accept_live().await;
    client.live().await;
    rpc.polled["pm2_env"]["watch"] = json!(true);
    let off = Task::Each { errand: Errand::Watch(false), targets: vec![target()] };
    client.handle.perform(ID, off);
    let call = ("stopWatch".to_owned(), json!(["restartProcessId", 1]));
    assert_eq!(rpc.calls(1).await, std::slice::from_ref(&call));
    rpc.polled["pm2_env"]["watch"] = json!(false);
    rpc.say(&ProcessStatus::Stopped);
    let stopped = json!({ "args": [[rpc.polled]] });
    for _ in 1..STOPPED_LOOKS {
        let id = rpc.expect("getMonitorData").await;
        rpc.answer(&id, &stopped).await;
    }
    rpc.polled["pm2_env"]["watch"] = json!(true);
    rpc.say(&ProcessStatus::Online);
    assert_eq!(rpc.calls(1).await, [call]);
    rpc.polled["pm2_env"]["watch"] = json!(false);
    let outcome = tokio::select! {
        outcome = client.outcome() => outcome,
        never = rpc.serve() => match never {},
    };
    assert_eq!(outcome.verdict, Verdict::Done);
    client.ended().await;
}

/// Whoever takes a delete back gets no second process beside one that somebody else started meanwhile.
#[tokio::test]
async fn nothing_is_started_beside_a_newcomer_that_was_not_named() {
    use crate::model::kept::Kept;
    let peer = Peer::new();
    let mut client = Client::new(&peer, timings());
    let mut rpc = peer.accept_live().await;
    client.live().await;
    let gone = Target { pm_id: PmId(2), ..target() };
    let deleted = || Kept::new(gone.clone(), process()["pm2_env"].clone());
    let restore = |kept, beside| Task::Restore { kept: vec![kept], beside };
    client.handle.perform(ID, restore(deleted(), Vec::new()));
    let outcome = tokio::select! {
        outcome = client.outcome() => outcome,
        call = rpc.call() => panic!("sent: {call:?}"),
    };
    assert_eq!(
        outcome.sentence(),
        "cannot restore api: replaced: api[1] was started under that name meanwhile; nothing was sent"
    );
    client.ended().await;
    // It was there before, or the user was told of it.
    let among = deleted().among([gone.clone(), target()].into());
    for task in [restore(among, Vec::new()), restore(deleted(), vec![target()])] {
        client.handle.perform(ID, task);
        let outcome = tokio::select! {
            outcome = client.outcome() => outcome,
            never = rpc.serve() => match never {},
        };
        assert!(!matches!(outcome.verdict, Verdict::Replaced { .. }), "{outcome:?}");
        client.ended().await;
    }
}

/// There may be one of that name by now.
#[tokio::test]
async fn nothing_is_restored_where_it_is_not_seen_what_runs() {
    use crate::model::kept::Kept;
    let peer = Peer::new();
    let mut client = Client::new(&peer, timings());
    let mut rpc = peer.accept_live().await;
    client.live().await;
    rpc.refuses = true;
    let gone = Target { pm_id: PmId(2), ..target() };
    let kept = vec![Kept::new(gone, process()["pm2_env"].clone())];
    client.handle.perform(ID, Task::Restore { kept, beside: Vec::new() });
    let outcome = tokio::select! {
        outcome = client.outcome() => outcome,
        call = rpc.call() => panic!("sent: {call:?}"),
    };
    let said = outcome.sentence();
    let wanted =
        "did not restore api: left undone: it had not begun: what runs now could not be seen (";
    assert!(said.starts_with(wanted) && said.contains("no list"), "{said}");
    client.ended().await;
}

/// Two screens may take the same delete back at the same moment.
#[tokio::test]
async fn each_start_of_an_undo_looks_for_newcomers_anew() {
    use crate::model::kept::Kept;
    let peer = Peer::new();
    let mut client = Client::new(&peer, timings());
    let mut rpc = peer.accept_live().await;
    client.live().await;
    let with_id = |id: u32| {
        let mut process = process();
        (process["pm_id"], process["pm2_env"]["pm_id"]) = (json!(id), json!(id));
        process
    };
    let gone = |id| Target { pm_id: PmId(id), ..target() };
    let app: Arc<[Target]> = [gone(2), gone(3)].into();
    let deleted = |id| {
        let mut env = with_id(id)["pm2_env"].take();
        for key in ["pm_exec_path", "pm_pid_path", "pm_out_log_path", "pm_err_log_path"] {
            env[key] = json!("/x");
        }
        env["env"] = json!({});
        Kept::new(gone(id), env).among(Arc::clone(&app))
    };
    (rpc.polled["name"], rpc.polled["pm2_env"]["name"]) = (json!("web"), json!("web"));
    let task = Task::Restore { kept: vec![deleted(2), deleted(3)], beside: Vec::new() };
    client.handle.perform(ID, task);
    let (id, method, _) = rpc.call().await.unwrap();
    assert_eq!(method, "getVersion");
    rpc.answer(&id, &json!({ "args": ["7.0.4"] })).await;
    let (id, method, _) = rpc.call().await.unwrap();
    assert_eq!(method, "prepare");
    // What was started here, and what the other screen started.
    rpc.besides.extend([with_id(6), with_id(7)]);
    rpc.answer(&id, &json!({ "args": [[{ "pm2_env": { "pm_id": 6 } }]] })).await;
    let mut said = Vec::new();
    for _ in 0..2 {
        let outcome = tokio::select! {
            outcome = client.outcome() => outcome,
            call = rpc.call() => panic!("sent: {call:?}"),
        };
        // As many as before the delete.
        assert!(!outcome.falls_short, "{outcome:?}");
        said.push(outcome.sentence());
    }
    assert!(said[0].starts_with("restored api[6]"), "{said:?}");
    assert_eq!(
        said[1],
        "cannot restore api: replaced: api[7] was started under that name meanwhile; nothing was sent"
    );
    client.ended().await;
}
