//! The actors against a scripted peer on a real socket.
