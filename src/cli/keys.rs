//! `keys`: makes, lists and revokes keys in the key file. A key is shown once, when it is made; the file holds hashes only.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use diffrisk::http::{KeyEntry, KeyFile, Scope};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, OrExit};
use crate::cli::output::{OutputArgs, Table, note, print, print_json};
use crate::cli::time::utc;

/// Arguments of `keys`.
#[derive(Debug, Args)]
pub struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
    /// Key file; it holds hashes only
    #[arg(long, value_name = "FILE", env = "DIFFRISK_KEYS", default_value = "keys.toml", global = true)]
    keys: PathBuf,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Makes a key and prints it once; it is kept nowhere
    #[command(override_usage = "diffrisk keys add [OPTIONS] <NAME> --scopes <A,B>\n       \
                                diffrisk keys add [OPTIONS] <NAME> --rotate <MINUTES>")]
    Add {
        /// Who holds it
        name: String,
        /// What it may do: score, read, outcome, override, admin
        #[arg(long, value_name = "A,B", value_delimiter = ',', required = true)]
        scopes: Vec<Scope>,
        /// Make a new key of a name that is there, with its scopes, and let its old keys end after this many minutes
        #[arg(long, value_name = "MINUTES", conflicts_with = "scopes")]
        rotate: Option<u32>,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Lists the keys by name and id
    List(OutputArgs),
    /// Takes away every key of a name, or the one of an id
    Revoke {
        /// Name or id
        key: String,
        #[command(flatten)]
        output: OutputArgs,
    },
}

/// Reads or changes the key file.
pub fn run(args: KeysArgs) -> Result<Exit, Failure> {
    match args.command {
        KeysCommand::Add { name, scopes, rotate, output } => {
            let (key, entry) = add(&args.keys, &name, &scopes, rotate)?;
            if output.json {
                let mut document = described(&entry);
                document["key"] = Value::from(key);
                print_json(&document)?;
            } else {
                note(&format!("the key of `{name}`, shown this once:"));
                print(&key);
            }
        }
        KeysCommand::List(output) => list(&KeyFile::load(&args.keys)?, output)?,
        KeysCommand::Revoke { key, output } => {
            let n_revoked = KeyFile::change(&args.keys, |key_file| key_file.revoke(&key))?;
            if output.json {
                print_json(&json!({ "n_revoked": n_revoked }))?;
            } else {
                note(&format!("{n_revoked} revoked"));
            }
        }
    }
    Ok(Exit::Success)
}

/// Puts a new key into the file; answers the key and its entry.
fn add(
    path: &Path,
    name: &str,
    scopes: &[Scope],
    rotate: Option<u32>,
) -> Result<(String, KeyEntry), Failure> {
    let now = Timestamp::now();
    let old_until = rotate.map(|minutes| {
        let old_until = now.checked_add(SignedDuration::from_mins(i64::from(minutes)));
        old_until
            .or_exit(Exit::Usage, "`--rotate`: the old keys would end after the last day of the calendar")
    });
    let old_until = old_until.transpose()?;
    let (key, entry) = KeyFile::change_or_make(path, |key_file| {
        let key = match old_until {
            Some(old_until) => key_file.rotate(name, now, old_until)?,
            None => key_file.add(name, scopes, now)?,
        };
        let entry = key_file.find(&key, now).cloned();
        Ok((key, entry))
    })?;
    let entry =
        entry.ok_or_else(|| Failure::bad_input(format!("the new key of `{name}` is not in the file")))?;
    Ok((key, entry))
}

fn described(entry: &KeyEntry) -> Value {
    json!({
        "id": entry.id, "name": entry.name, "scopes": entry.scopes,
        "created_at": entry.created_at, "expires_at": entry.expires_at,
    })
}

fn list(key_file: &KeyFile, output: OutputArgs) -> Result<(), Failure> {
    if output.json {
        let keys: Vec<Value> = key_file.keys.iter().map(described).collect();
        print_json(&json!({ "keys": keys }))?;
        return Ok(());
    }
    let mut table = Table::new(&["name", "key", "scopes", "created", "ends"]);
    for key in &key_file.keys {
        let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.as_str()).collect();
        table.push(vec![
            key.name.clone(),
            key.id.clone(),
            scopes.join(","),
            utc(key.created_at.as_second()),
            key.expires_at.map(|at| utc(at.as_second())).unwrap_or_default(),
        ]);
    }
    print(&table.render());
    Ok(())
}
