//! The command line: one file a subcommand, each with one `run` that takes its finished arguments.
//!
//! Owns arguments, help, tables, progress and exit codes, and nothing that another front end would
//! need too. One document for people or, with `--json`, for programs goes to stdout; everything
//! else goes to stderr. Start reading at [`run`].

mod answer;
mod backtest;
mod cache;
mod client;
mod decisions;
mod demo;
mod evaluate;
mod exit;
mod failure;
mod gate;
mod history;
mod inputs;
mod keys;
mod learning;
mod logging;
mod mine;
mod models;
mod outcomes;
mod output;
mod progress;
mod question;
mod report;
mod repository;
mod score;
mod serve;
mod service;
mod settings;
mod suspects;
mod time;
mod train;

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::SystemTime;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Parser, Subcommand};
use signal_hook::consts::SIGXFSZ;

pub use exit::Exit;
use failure::Failure;

/// Scores a configuration change before it rolls out: fast path or extra validation, and why
#[derive(Debug, Parser)]
#[command(name = "diffrisk", version, propagate_version = true, max_term_width = output::WIDTH)]
#[command(after_help = exit::HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
enum Command {
    /// Does the whole main job on a sample repository: mine, train, score, serve
    Demo(demo::DemoArgs),
    /// Turns a history into labelled feature rows
    Mine(mine::MineArgs),
    /// Turns rows into an artifact
    Train(train::TrainArgs),
    /// Measures an artifact on rows it has not seen
    Evaluate(evaluate::EvaluateArgs),
    /// Trains on the older part of a history and tests on the newer, beside simple baselines
    Backtest(backtest::BacktestArgs),
    /// Scores one change and decides on it
    Score(Box<score::ScoreArgs>),
    /// Decides on one change and says so by the exit code
    Gate(Box<gate::GateArgs>),
    /// Ranks the changes that landed before something broke, the likeliest cause first
    Suspects(Box<suspects::SuspectsArgs>),
    /// Runs the scoring service
    Serve(serve::ServeArgs),
    /// Reads the decision log
    Decisions(decisions::DecisionsArgs),
    /// Reads or changes the registry of artifacts
    Models(models::ModelsArgs),
    /// Makes, lists and takes away API keys
    Keys(keys::KeysArgs),
}

/// Parses the arguments, runs one subcommand, and answers how the process ends. A panic is caught:
/// it must not look like any verdict.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Exit {
    survive_large_files();
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return explained(&error),
    };
    let run = || time::check_clock(SystemTime::now()).and_then(|()| dispatch(cli.command));
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(Exit::Success)) if output::is_lost() => Exit::Other,
        Ok(Ok(exit)) => exit,
        Ok(Err(failure)) => {
            output::complain(&failure.to_string());
            failure.exit
        }
        Err(_) => Exit::Other,
    }
}

/// A file that reaches the limit of its size (`ulimit -f`) is an error of who writes it, as a full disk is: without a handler
/// the signal ends the process.
fn survive_large_files() {
    // Where it cannot be heard, the process ends as every other one does.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
}

fn dispatch(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Mine(args) => mine::run(args),
        Command::Train(args) => train::run(args),
        Command::Evaluate(args) => evaluate::run(args),
        Command::Backtest(args) => backtest::run(args),
        Command::Demo(args) => demo::run(args),
        Command::Score(args) => score::run(*args),
        Command::Gate(args) => gate::run(*args),
        Command::Suspects(args) => suspects::run(*args),
        Command::Serve(args) => serve::run(args),
        Command::Decisions(args) => decisions::run(args),
        Command::Models(args) => models::run(args),
        Command::Keys(args) => keys::run(args),
    }
}

/// Help and version are answers; everything else that clap reports is a usage error.
fn explained(error: &clap::Error) -> Exit {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            output::print_text(&error.render().ansi().to_string(), &error.render().to_string());
            if output::is_lost() { Exit::Other } else { Exit::Success }
        }
        _ => {
            // A closed stderr leaves nobody to tell; the exit code still says it.
            let _ = error.print();
            if let Some(variable) = refused_variable(error) {
                output::note(&format!("`{variable}` of the environment says so, unless the flag was given"));
            }
            Exit::Usage
        }
    }
}

/// The variable of the environment that holds what was refused of a flag, where it is set.
fn refused_variable(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg) else { return None };
    let flag = flag.strip_prefix("--")?.split([' ', '=']).next()?;
    let variable = format!("DIFFRISK_{}", flag.to_ascii_uppercase().replace('-', "_"));
    std::env::var_os(&variable).map(|_| variable)
}

#[cfg(test)]
mod tests;
