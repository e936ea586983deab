//! The `diffrisk` binary: parses, dispatches, maps the result to an exit code.

mod cli;

use std::process::ExitCode;

/// Scores are many small allocations; `docs/decisions/allocator.md` has what each allocator costs, `.cargo/config.toml` its
/// settings.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    cli::run(std::env::args_os()).into()
}
