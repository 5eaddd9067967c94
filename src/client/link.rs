//! The connection of a client: sends checked calls, and connects again after a timeout.
//!
//! Invariant: a call that timed out retires its connection, since old daemons answer nothing more
//! on it (docs/pm2.md section 1); the next call gets a new one, to the same daemon or to none.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use serde_json::Value as Json;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{ClientError, ClientOptions};
use crate::daemon::act::Acting;
use crate::daemon::bus::attendance::{Attendance, attend};
use crate::daemon::calls::named::Listing;
use crate::daemon::rpc::session::Session;
use crate::daemon::{Endpoint, Timings};
use crate::protocol::process::Snapshot;
use crate::protocol::rpc::{CheckedCall, Methods};

/// How long [`SharedConnection::close`] waits for the socket to be closed.
const CLOSE_MAX: Duration = Duration::from_millis(500);
/// What the clones of a client share.
#[derive(Debug)]
pub(super) struct SharedConnection {
    pub(super) endpoint: Endpoint,
    pub(super) options: ClientOptions,
    pub(super) methods: Methods,
    session: Mutex<Arc<Session>>,
    /// Held while another connection is being made.
    renewing: tokio::sync::Mutex<()>,
    /// The bus, while somebody acts.
    attendance: Mutex<Weak<Attendance>>,
    tasks: TaskTracker,
    generation: CancellationToken,
}

impl SharedConnection {
    pub(super) async fn open(
        endpoint: &Endpoint,
        options: ClientOptions,
    ) -> Result<Self, ClientError> {
        let (tasks, generation) = (TaskTracker::new(), CancellationToken::new());
        let opening = Session::open(
            endpoint,
            options.frame_bytes_max,
            (options.timeout, options.timeout),
            (&tasks, &generation),
            Box::new(|_| {}),
        );
        let session = opening.await.map_err(ClientError::from_problem)?;
        Ok(Self {
            endpoint: endpoint.clone(),
            options,
            methods: session.methods.clone(),
            session: Mutex::new(Arc::new(session)),
            renewing: tokio::sync::Mutex::new(()),
            attendance: Mutex::default(),
            tasks,
            generation,
        })
    }

    /// The session to use for calls.
    pub(super) async fn session(&self) -> Result<Arc<Session>, ClientError> {
        let current = self.current();
        if !current.connection.is_retired() {
            return Ok(current);
        }
        let _one_at_a_time = self.renewing.lock().await;
        let current = self.current();
        if !current.connection.is_retired() || self.generation.is_cancelled() {
            return Ok(current);
        }
        let opening = Session::open(
            &self.endpoint,
            self.options.frame_bytes_max,
            (self.options.timeout, self.options.timeout),
            (&self.tasks, &self.generation),
            Box::new(|_| {}),
        );
        let session = opening.await.map_err(ClientError::from_problem)?;
        if session.methods != self.methods {
            // Another daemon: what was checked against the old one may not fit it.
            return Err(ClientError::Closed);
        }
        let session = Arc::new(session);
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&session);
        Ok(session)
    }

    fn current(&self) -> Arc<Session> {
        Arc::clone(&self.session.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What it takes to act, and the bus, which is read while the latter is kept.
    pub(super) async fn acting(&self) -> Result<(Acting, Arc<Attendance>), ClientError> {
        let session = self.session().await?;
        let attendance = {
            let mut kept = self.attendance.lock().unwrap_or_else(PoisonError::into_inner);
            kept.upgrade().unwrap_or_else(|| {
                let attendance =
                    Arc::new(attend(self.endpoint.clone(), self.options.frame_bytes_max));
                *kept = Arc::downgrade(&attendance);
                attendance
            })
        };
        let (ears, settle) = (attendance.ears.clone(), self.options.settle);
        let timings = Timings::within(self.options.timeout);
        Ok((
            Acting { session, ears, timings, settle, halted: CancellationToken::new() },
            attendance,
        ))
    }

    /// Sends a call and returns the first value of its reply, or null if it has none.
    pub(super) async fn send(
        &self,
        call: &CheckedCall,
        timeout: Duration,
    ) -> Result<Json, ClientError> {
        Ok(self.session().await?.exchange(call, timeout).await?)
    }

    /// Why the daemon of this connection closed it: it is gone, or another one answers in its place.
    pub(super) async fn why_closed(&self) -> ClientError {
        let opening = Session::open(
            &self.endpoint,
            self.options.frame_bytes_max,
            (self.options.timeout, self.options.timeout),
            (&self.tasks, &self.generation),
            Box::new(|_| {}),
        );
        match opening.await {
            Ok(_) => ClientError::OtherDaemon,
            Err(problem) => ClientError::from_problem(problem),
        }
    }

    /// All processes, typed.
    pub(super) async fn snapshot(&self) -> Result<Snapshot, ClientError> {
        Ok(self.session().await?.ask_processes(self.options.timeout).await?.1)
    }

    /// Asks for all processes, raw and typed.
    pub(super) async fn listing(&self) -> Result<Listing, ClientError> {
        Ok(self.session().await?.listing(self.options.timeout).await?)
    }

    /// Closes the connection; every call under way ends as closed.
    pub(super) async fn close(&self) {
        self.tasks.close();
        self.generation.cancel();
        // The tasks end as soon as they run; nothing hangs on seeing it.
        let _ = tokio::time::timeout(CLOSE_MAX, self.tasks.wait()).await;
    }
}

impl Drop for SharedConnection {
    fn drop(&mut self) {
        self.generation.cancel();
    }
}
