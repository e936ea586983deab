//! `models`: the registry as a table, and which model is in use. Checks are the registry's own; nothing is promoted past them.

use std::io::ErrorKind;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use diffrisk::artifact::{self, Artifact, ModelName, Registry, published};
use serde_json::json;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{OutputArgs, Table, note, print, print_json};
use crate::cli::report::trained_until;

/// Arguments of `models`.
#[derive(Debug, Args)]
pub struct ModelsArgs {
    #[command(subcommand)]
    command: ModelsCommand,
    /// Directory of the registry, `NAME/VERSION/` and the file `default`
    #[arg(long, value_name = "DIR", default_value = "models", global = true)]
    models: PathBuf,
}

#[derive(Debug, Subcommand)]
enum ModelsCommand {
    /// Lists the artifacts and marks the one in use
    List(OutputArgs),
    /// Shows the card of one artifact
    Show {
        /// Name, `NAME@VERSION`, or `published`; the one in use unless given
        name: Option<String>,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Puts an artifact that `train` wrote into the registry, after checking it; none is put in use
    Add {
        /// Its directory
        dir: PathBuf,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Makes an artifact the one in use, after checking it
    Promote {
        /// Name or `NAME@VERSION`
        name: String,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Goes back to the artifact in use before
    Rollback(OutputArgs),
}

/// Reads or changes the registry.
pub fn run(args: ModelsArgs) -> Result<Exit, Failure> {
    let registry = Registry::at(&args.models);
    match args.command {
        ModelsCommand::List(output) if args.models.is_dir() => list(&registry, output)?,
        ModelsCommand::List(_) => {
            return Err(Failure::bad_input(format!("there is no directory `{}`", args.models.display())));
        }
        ModelsCommand::Show { name, output } => show(&artifact(&registry, name.as_deref())?, output)?,
        ModelsCommand::Add { dir, output } => add(&registry, &Artifact::load(&dir)?, output)?,
        ModelsCommand::Promote { name, output } => {
            let model_name = registry.find(&name)?;
            registry.promote(&model_name)?;
            tell(&model_name, output)?;
        }
        ModelsCommand::Rollback(output) => tell(&registry.rollback()?, output)?,
    }
    Ok(Exit::Success)
}

/// An artifact's own name was written by whoever trained it, and becomes a directory here.
fn add(registry: &Registry, artifact: &Artifact, output: OutputArgs) -> Result<(), Failure> {
    let name = &artifact.document().name;
    if !ModelName::is_step(name) {
        return Err(Failure::bad_input(format!(
            "`{name}` cannot be a name in the registry; `train --name` gives another"
        )));
    }
    let model_name = registry.add(artifact)?;
    if output.json {
        let in_use = registry.current().is_ok_and(|current| current == model_name);
        print_json(&json!({ "name": model_name.name, "version": model_name.version, "in_use": in_use }))?;
    } else {
        print(&format!("added: {model_name}"));
    }
    Ok(())
}

/// Says which model is in use now.
fn tell(model_name: &ModelName, output: OutputArgs) -> Result<(), Failure> {
    if output.json {
        print_json(&json!({ "name": model_name.name, "version": model_name.version, "in_use": true }))?;
    } else {
        print(&format!("in use: {model_name}"));
    }
    Ok(())
}

fn list(registry: &Registry, output: OutputArgs) -> Result<(), Failure> {
    let names = registry.list();
    let current = in_use(registry, &names);
    if output.json {
        let models: Vec<_> = names
            .iter()
            .map(|model| json!({ "name": model.name, "version": model.version, "in_use": Some(model) == current.as_ref() }))
            .collect();
        print_json(&json!({ "models": models }))?;
        return Ok(());
    }
    let mut table = Table::new(&["model", "version", "in use"]);
    for model in &names {
        let in_use = if Some(model) == current.as_ref() { "yes" } else { "" };
        table.push(vec![model.name.clone(), model.version.clone(), in_use.to_owned()]);
    }
    print(&table.render());
    Ok(())
}

/// The artifact in use; where the registry names none that it holds, it says so.
fn in_use(registry: &Registry, names: &[ModelName]) -> Option<ModelName> {
    match registry.current() {
        Ok(current) if names.contains(&current) => return Some(current),
        Ok(current) => note(&format!("none is in use: `default` names {current}, which is not here")),
        Err(artifact::Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {}
        Err(error) => note(&format!("none is in use: {}", Failure::from(error))),
    }
    None
}

fn artifact(registry: &Registry, name: Option<&str>) -> Result<Artifact, Failure> {
    Ok(match name {
        Some("published") => published()?.as_ref().clone(),
        Some(name) => registry.load(&registry.find(name)?)?,
        None => registry.load(&registry.current()?)?,
    })
}

fn show(artifact: &Artifact, output: OutputArgs) -> Result<(), Failure> {
    if !output.json {
        print(artifact.card());
        return Ok(());
    }
    let document = artifact.document();
    print_json(&json!({
        "name": document.name,
        "version": artifact.version(),
        "digest": format!("sha256:{}", artifact.digest()),
        "unit": document.unit,
        "task": document.label_task,
        "trained_until": trained_until(document),
        "trained_until_time": document.trained_until,
        "n_features": document.schema.len(),
        "base_rate": document.scoring.base_rate,
        "sources": document.sources,
        "prior": document.prior,
        "parameters": document.parameters,
        "metrics": document.metrics,
    }))?;
    Ok(())
}
