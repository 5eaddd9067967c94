//! Lenient JSON fields: every type here reads any JSON value and keeps what it can use.
