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

/// Section and key of every line of the documented configuration file, those in comments included.
fn documented_keys() -> Vec<(String, String)> {
    let document = include_str!("../../docs/OPERATIONS.md");
    let block = document.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let mut section = String::new();
    let mut keys = Vec::new();
    for line in block.lines() {
        if let Some(name) = line.trim_start_matches("# ").strip_prefix('[') {
            section = name.trim_matches(['[', ']']).split(']').next().unwrap().to_owned();
        } else if let Some((key, _)) = line.trim_start_matches("# ").split_once(" = ") {
            keys.push((section.clone(), key.to_owned()));
        }
    }
    keys
}

/// The flag of a key of the file; none for a repository's name, which goes before each of its values.
fn flag_of(section: &str, key: &str) -> Option<String> {
    match (section, key) {
        ("model" | "policy", "path") | ("store", "url") => Some(section.to_owned()),
        ("tls", key) => Some(format!("tls-{key}")),
        ("store", "stem") => Some("store-stem".to_owned()),
        ("repository", "path") => Some("repo".to_owned()),
        ("repository", "name") => None,
        _ => Some(key.replace('_', "-")),
    }
}

#[test]
fn every_key_of_the_configuration_file_is_a_flag_and_an_environment_variable_and_no_flag_is_more() {
    let command = Cli::command();
    let serve = command.find_subcommand("serve").unwrap();
    let mut flags: Vec<String> =
        documented_keys().iter().filter_map(|(section, key)| flag_of(section, key)).collect();
    assert!(flags.len() > 20, "{flags:?}");
    flags.sort_unstable();
    let of_file = |arg: &&Arg| !["config", "check_config"].contains(&arg.get_id().as_str());
    let mut given: Vec<String> = Vec::new();
    for arg in serve.get_arguments().filter(of_file) {
        let flag = arg.get_long().unwrap().to_owned();
        let variable = format!("DIFFRISK_{}", flag.to_uppercase().replace('-', "_"));
        assert_eq!(arg.get_env().map(|name| name.to_string_lossy().into_owned()), Some(variable));
        given.push(flag);
    }
    given.sort_unstable();
    assert_eq!(given, flags);
}
