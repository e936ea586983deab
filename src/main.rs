//! The `diffrisk` binary: parses, dispatches, maps the result to an exit code.
fn main() {}
