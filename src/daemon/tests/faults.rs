//! What goes wrong with a daemon's RPC socket, and what is made of it.

use super::*;

#[tokio::test]
async fn a_daemon_is_asked_what_it_can_do_then_polled() {
    let peer = Peer::new();
    let mut client = Client::new(&peer, timings());
    let mut rpc = peer.accept_live().await;
    let version = client.wait(|report| match report {
        Report::Version(version) => Some(version.to_string()),
        _ => None,
    });
    assert_eq!(version.await, "7.0.4");
    client.live().await;
    let id = rpc.expect("getMonitorData").await;
    rpc.answer(&id, &poll_reply()).await;
    assert_eq!(client.snapshot().await, 1);
}

#[tokio::test]
async fn the_pause_is_twenty_times_as_long_as_the_poll() {
    let peer = Peer::new();
    let mut client = Client::new(&peer, timings());
    let mut rpc = peer.accept_live().await;
    let id = rpc.expect("getMonitorData").await;
    // Not a way to synchronise: the daemon is slow.
    tokio::time::sleep(Duration::from_millis(30)).await;
    rpc.answer(&id, &poll_reply()).await;
    let (took_ms, interval_ms) = client
        .wait(|report| match report {
            Report::Snapshot { took_ms, interval_ms, .. } => Some((*took_ms, *interval_ms)),
            _ => None,
        })
        .await;
    assert!(took_ms >= 30, "{took_ms}");
    assert!(interval_ms >= 20 * took_ms, "{interval_ms} after {took_ms}");
}

#[tokio::test]
async fn a_silent_daemon_is_told_from_a_closed_one() {
    let peer = Peer::new();
    let timings = Timings { handshake: Duration::from_millis(30), ..timings() };
    let mut client = Client::new(&peer, timings);
    let _silent = peer.accept().await;
    let methods = "methods".into();
    assert_eq!(client.down().await, Problem::Silent { method: methods });
}

#[tokio::test]
async fn a_poll_without_answer_makes_a_new_connection() {
    let peer = Peer::new();
    let timings = Timings { read: Duration::from_millis(30), ..timings() };
    let mut client = Client::new(&peer, timings);
    let mut wedged = peer.accept_live().await;
    wedged.expect("getMonitorData").await;
    let method = "getMonitorData".into();
    assert_eq!(client.down().await, Problem::Silent { method });
    let mut rpc = peer.accept_live().await;
    let id = rpc.expect("getMonitorData").await;
    rpc.answer(&id, &poll_reply()).await;
    assert_eq!(client.snapshot().await, 1);
    assert_eq!(wedged.request().await, None, "the old one was kept open");
}

#[tokio::test]
async fn a_timed_out_action_replaces_the_connection_and_spares_the_other_calls() {
    let peer = Peer::new();
    let timings = Timings { act_margin: Duration::from_millis(40), ..timings() };
    let mut client = Client::new(&peer, timings);
    let mut old = peer.accept_live().await;
    client.live().await;
    old.polled["pm2_env"]["kill_timeout"] = json!(20_000);
    client.act(Action::Restart);
    let (patient, ..) = old.call().await.unwrap();
    old.polled = process();
    old.say(&ProcessStatus::Stopped);
    client.act(Action::Start);
    let (late, ..) = old.call().await.unwrap();
    assert_eq!(client.verdict().await, (Action::Start, Verdict::timed_out(40)));
    // New calls go to a new connection, and nobody says that the daemon is down.
    let mut new = peer.accept_live().await;
    client.live().await;
    assert!(
        !client
            .seen
            .iter()
            .any(|report| matches!(report, Report::Connection(Standing::Down { .. })))
    );
    old.answer(&late, &json!({ "args": [{}] })).await;
    old.answer(&patient, &json!({ "args": [{}] })).await;
    old.polled = process();
    let (action, verdict) = client.verdict_from(&mut old).await;
    assert_eq!((action, verdict.is_success()), (Action::Restart, true), "{verdict:?}");
    new.say(&ProcessStatus::Stopped);
    client.act(Action::Start);
    assert_eq!(new.calls(1).await[0].0, "startProcessId");
    new.polled = process();
    let (action, verdict) = client.verdict_from(&mut new).await;
    assert_eq!((action, verdict.is_success()), (Action::Start, true), "{verdict:?}");
}

#[tokio::test]
async fn half_a_frame_and_a_close_fail_what_is_pending_and_reconnect() {
    let peer = Peer::new();
    let mut client = Client::new(&peer, timings());
    let mut rpc = peer.accept_live().await;
    client.live().await;
    client.act(Action::Restart);
    rpc.call().await.unwrap();
    rpc.send_bytes(&[0x12, 0, 0, 1, 0, b'j', b':']).await;
    drop(rpc);
    let (_, verdict) = client.verdict().await;
    assert!(matches!(verdict, Verdict::Unknown { is_closed: true, .. }), "{verdict:?}");
    let _rpc = peer.accept_live().await;
    client.live().await;
}

#[tokio::test]
async fn what_is_no_amp_or_too_large_is_told_and_reconnected() {
    let too_large = [0x12, 0x7f, 0, 0, 0];
    for bytes in [b"HTTP/1.1 400 Bad Request\r\n\r\n".as_slice(), &too_large] {
        let peer = Peer::new();
        let mut client = Client::new(&peer, timings());
        let mut rpc = peer.accept().await;
        rpc.expect("methods").await;
        rpc.send_bytes(bytes).await;
        client.warning().await;
        let _again = peer.accept_live().await;
        client.live().await;
        // The first connection was closed from the other side, not left open.
        assert_eq!(rpc.request().await, None);
    }
}

#[tokio::test]
async fn no_amp_is_not_pm2() {
    let peer = Peer::new();
    let slow = Timings { backoff_base: PATIENCE, ..timings() };
    let mut client = Client::new(&peer, slow);
    let mut rpc = peer.accept().await;
    rpc.send_bytes(b"SSH-2.0-OpenSSH\r\n").await;
    let problem = client.down().await;
    assert!(matches!(problem, Problem::NotPm2 { .. }), "{problem:?}");
}

#[tokio::test]
async fn broken_json_costs_one_poll_only() {
    let peer = Peer::new();
    let mut client = Client::new(&peer, timings());
    let mut rpc = peer.accept_live().await;
    let id = rpc.expect("getMonitorData").await;
    let broken = bytes::Bytes::from_static(b"j:{\"args\":[[{");
    rpc.send(&[broken, value::text(&id)]).await;
    let warning = client.warning().await;
    assert!(warning.contains("getMonitorData"), "{warning}");
    let id = rpc.expect("getMonitorData").await;
    rpc.send(&[value::text("no reply at all")]).await;
    rpc.answer(&id, &poll_reply()).await;
    client.warning().await;
    assert_eq!(client.snapshot().await, 1);
}

#[tokio::test]
async fn a_daemon_that_comes_back_is_read_anew() {
    let peer = Peer::new();
    let mut client = Client::new(&peer, timings());
    let mut rpc = peer.accept_live().await;
    let id = rpc.expect("getMonitorData").await;
    rpc.answer(&id, &poll_reply()).await;
    client.snapshot().await;
    drop(rpc);
    assert_eq!(client.down().await, Problem::Closed);
    let mut rpc = peer.accept_live().await;
    client.live().await;
    let id = rpc.expect("getMonitorData").await;
    let mut other = process();
    other["pm_id"] = json!(7);
    other["pm2_env"]["pm_id"] = json!(7);
    rpc.answer(&id, &json!({ "args": [[other]] })).await;
    let ids = client.wait(|report| match report {
        Report::Snapshot { snapshot, .. } => {
            let ids = snapshot.processes.iter().map(|process| process.pm_id);
            Some(ids.collect::<Vec<_>>())
        }
        _ => None,
    });
    assert_eq!(ids.await, [PmId(7)]);
}

#[tokio::test]
async fn suspended_means_that_both_sockets_are_closed() {
    let peer = Peer::new();
    let mut client = Client::new(&peer, timings());
    let mut rpc = peer.accept_live().await;
    let bus = peer.accept_bus().await;
    client.live().await;
    client.act(Action::Restart);
    rpc.call().await.unwrap();
    client.handle.suspend().await;
    // Closed by now, not soon: a read that would have to wait is an error here.
    let mut byte = [0];
    assert_eq!(bus.try_read(&mut byte).unwrap(), 0);
    let (_, verdict) = client.verdict().await;
    assert!(matches!(verdict, Verdict::Unknown { is_closed: true, .. }), "{verdict:?}");
    while rpc.request().await.is_some() {}
    client.handle.resume();
    let _rpc = peer.accept_live().await;
    let _bus = peer.accept_bus().await;
    client.live().await;
}
