use clap::{Arg, CommandFactory};

use super::*;

fn check(command: &clap::Command, path: &str, faults: &mut Vec<String>) {
    let path = format!("{path} {}", command.get_name());
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    check_help(&about, &path, faults);
    for arg in command.get_arguments() {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        check_help(&help, &format!("{path} --{}", arg.get_id()), faults);
        check_unit(arg, &path, faults);
    }
    command.get_subcommands().for_each(|command| check(command, &path, faults));
}

fn check_help(help: &str, place: &str, faults: &mut Vec<String>) {
    if !help.starts_with(char::is_uppercase) || help.ends_with('.') || help.contains('\n') {
        faults.push(format!("{place}: {help:?}"));
    }
}

/// A flag that takes a value names it in capitals, so that help reads `--repo PATH`.
fn check_unit(arg: &Arg, path: &str, faults: &mut Vec<String>) {
    let names = arg.get_value_names().unwrap_or_default();
    if arg.get_action().takes_values() && names.iter().any(|name| name.to_uppercase() != name.as_str()) {
        faults.push(format!("{path} --{}: value name", arg.get_id()));
    }
}

#[test]
fn every_flag_has_help_that_starts_with_a_capital_and_has_no_final_stop() {
    let mut faults = Vec::new();
    let mut command = Cli::command();
    command.build();
    command.get_subcommands().filter(|command| command.get_name() != "help").for_each(|command| {
        check(command, "", &mut faults);
    });
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_arguments_are_sound() {
    Cli::command().debug_assert();
}

#[test]
fn help_and_version_are_answers_and_nonsense_is_a_usage_error() {
    let ends = |args: &[&str]| run(args.iter().map(OsString::from));
    assert_eq!(ends(&["diffrisk", "--version"]), Exit::Success);
    assert_eq!(ends(&["diffrisk", "--help"]), Exit::Success);
    assert_eq!(ends(&["diffrisk", "decisions", "verify", "--help"]), Exit::Success);
    assert_eq!(ends(&["diffrisk"]), Exit::Usage);
    assert_eq!(ends(&["diffrisk", "nonsense"]), Exit::Usage);
    assert_eq!(ends(&["diffrisk", "decisions", "list", "--limit", "0"]), Exit::Usage);
}
