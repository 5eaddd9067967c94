mod server;
mod shapes;
mod world;
