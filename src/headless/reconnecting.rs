//! What a command that listens says of its connection: that it went and that it is back, each once,
//! however often it is tried meanwhile.

use super::output;
use crate::model::daemon::Problem;
use crate::protocol::text::clean;

/// How the connection was last.
#[derive(Debug, Default)]
pub(super) struct Connection {
    was_up: bool,
    is_down: bool,
}

impl Connection {
    /// One that is up.
    pub(super) fn up() -> Self {
        Self { was_up: true, is_down: false }
    }

    /// Whether it was up at any time.
    pub(super) fn was_up(&self) -> bool {
        self.was_up
    }

    /// It is up: whether it was down in between, which is said, with what that means.
    pub(super) fn is_back(&mut self, meanwhile: &str) -> bool {
        if self.is_down {
            output::complain(&format!("connected again; {meanwhile}"));
        }
        self.was_up = true;
        std::mem::take(&mut self.is_down)
    }

    /// It is down, or another try failed: whether it is waited for. A daemon that was never there is
    /// not; of one that went away it is said once.
    pub(super) fn is_waited_for(&mut self, problem: &Problem) -> bool {
        if self.was_up && !self.is_down {
            output::complain(&clean(&format!("{}; waiting for it", problem.sentence())));
        }
        self.is_down = self.was_up;
        self.was_up
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_was_never_there_is_not_waited_for() {
        let mut connection = Connection::default();
        assert!(!connection.is_waited_for(&Problem::Closed));
        assert!(!connection.is_back(""));
        assert!(connection.is_waited_for(&Problem::Closed));
        assert!(connection.is_waited_for(&Problem::Closed));
        assert!(connection.is_back("") && !connection.is_back(""));
        assert!(Connection::up().is_waited_for(&Problem::Closed));
    }
}
