//! What the world's task does for a test.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;

use super::command::Control;
use super::damage::{damaged, send_damaged};
use super::flood::flood;
use super::frames::{bus_frame, encode, reply_frame};
use super::proc::Slot;
use super::script::{Fault, Socket};
use super::server::{Listening, Server};
use crate::protocol::value;

impl Server {
    pub(super) async fn control(&mut self, control: Control) {
        match control {
            Control::Harm { socket, fault, done } => {
                self.harm(socket, &fault);
                let _ = done.send(());
            }
            Control::Vanish { leave_files, done } => {
                self.go_down(leave_files).await;
                let _ = done.send(());
            }
            Control::ComeBack { world, done } => {
                self.go_down(false).await;
                self.world = *world;
                self.world.set_home(&self.home);
                let bound = Listening::bind(&self.home, &self.root);
                let _ = done.send(bound.map(|listening| self.accept(listening)));
            }
            Control::Publish { topic, payload, done } => {
                self.broadcast(&topic, &payload);
                let _ = done.send(());
            }
            Control::SetMethod { method, params, done } => {
                let params: Option<Vec<&str>> =
                    params.as_ref().map(|params| params.iter().map(String::as_str).collect());
                self.world.set_method(&method, params.as_deref());
                let _ = done.send(());
            }
            Control::Flood { pm_id, lines, done } => {
                if let Some(proc) = self.world.proc(Slot::live(pm_id)).cloned() {
                    let shared = Arc::clone(&self.shared);
                    let at_ms = self.wall_ms();
                    let root = self.root.clone();
                    tokio::spawn(async move {
                        tokio::select! {
                            () = root.cancelled() => {}
                            () = flood(proc, lines, at_ms, &shared) => {}
                        }
                    });
                }
                let _ = done.send(());
            }
        }
    }

    fn harm(&self, socket: Socket, fault: &Fault) {
        match socket {
            Socket::Rpc => {
                for connection in self.rpc_connections.all() {
                    let frame = reply_frame(&value::text("0:0"), &json!({ "args": [{}] }));
                    send_damaged(&connection, fault, &frame, &value::text("0:0"));
                }
            }
            Socket::Bus => {
                let frame = bus_frame("pm2-tui:nobody-knows", &json!({ "data": [1, 2, 3] }));
                let broken = encode(vec![
                    value::text("process:event"),
                    Bytes::from_static(b"j:{\"event\":\"exit\",\"process\":"),
                ]);
                for subscriber in self.shared.subscribers() {
                    let (bytes, is_end) = damaged(fault, &frame, &broken);
                    if let Some(bytes) = bytes {
                        self.shared.push(&subscriber, bytes);
                    }
                    if is_end {
                        subscriber.close();
                    }
                }
            }
        }
    }
}
