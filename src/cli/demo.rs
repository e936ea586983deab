//! `demo`: the main job in one go, on an invented history and without network. Uses the same functions as the commands that
//! it stands for. Start at [`run`].

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use clap::Args;
use diffrisk::artifact::Registry;
use diffrisk::dataset::{LabelTask, Rows};
use diffrisk::git::{Repository, Sample, Unit, UnitChoice, write_sample};
use diffrisk::http::live::RepositoryConfig;
use diffrisk::http::{Local, LocalSources, Settings};
use diffrisk::incident::load_incidents;
use diffrisk::mining::{AuthorKey, MineOptions, mine};
use diffrisk::store::StoreConfig;
use diffrisk::timeline::Sources;
use diffrisk::train::{BacktestOptions, Protocol, Recipe, SplitAt, TrainOptions, backtest, train_rows};
use jiff::Timestamp;
use serde_json::json;

use crate::cli::answer::describe;
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, OrExit};
use crate::cli::learning::{PriorArg, prior_for};
use crate::cli::output::print;
use crate::cli::report::render;
use crate::cli::serve::run_with;
use crate::cli::time::seconds;

/// The port that the demo serves on, or the next free one.
const PORT: u16 = 8080;
/// Name of the sample repository.
const NAME: &str = "sample";

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Directory to work in; a fresh temporary one unless given
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Stop before serving
    #[arg(long)]
    no_serve: bool,
}

/// Does the whole main job on a sample repository: mine, train, score, serve.
pub fn run(args: DemoArgs) -> Result<Exit, Failure> {
    let dir = match args.dir {
        Some(dir) => dir,
        None => tempfile::Builder::new().prefix("diffrisk-demo-").tempdir()?.keep(),
    };
    say(&format!("working in {}", dir.display()));
    let sample = write_sample(&dir.join("sample")).or_exit(Exit::BadInput, "the sample cannot be written")?;
    say(&format!("1. wrote a configuration repository of {} changes", sample.n_changes));
    let rows = mined(&sample)?;
    let n_positive =
        rows.facts().iter().filter(|row| row.label_strict == Some(true) && row.in_strict).count();
    say(&format!("2. mined {} rows, {n_positive} of them went wrong", rows.n_rows()));
    let model = trained(&rows, &dir)?;
    let config = repository(&sample);
    scored(&sample, &config, &model, &dir)?;
    if args.no_serve {
        return Ok(Exit::Success);
    }
    served(&sample, config, model, &dir)
}

fn mined(sample: &Sample) -> Result<Rows, Failure> {
    let repository = Repository::open(&sample.repository)?;
    let options = MineOptions {
        name: NAME.to_owned(),
        unit: Unit::Commit,
        sources: Sources::new(load_incidents(&sample.incidents)?, Vec::new()),
        since: None,
        until: None,
        // The sample has dates of its own.
        now: i64::MAX,
        custom: None,
        // The sample's authors are invented: a fixed key keeps the demo the same everywhere.
        author_key: AuthorKey::new(vec![0; 32]).ok_or_else(|| Failure::bad_input("a key has 16 bytes"))?,
    };
    Ok(mine(&repository, options, |_| {})?.rows)
}

fn trained(rows: &Rows, dir: &Path) -> Result<PathBuf, Failure> {
    let (prior, _) = prior_for(PriorArg::Published.load()?, rows, false)?;
    let tested = backtest(
        rows,
        None,
        &BacktestOptions {
            task: LabelTask::Strict,
            split: SplitAt::Share(0.7),
            recipe: Recipe::default(),
            prior: prior.clone(),
            protocol: Protocol::default(),
            leaky: false,
            seed: 1,
            clock: seconds,
        },
    )?;
    say("3. trained on the oldest 70 % and tested on the newest 30 % of these invented changes:");
    print(&render(&tested.report));
    let as_of = rows.facts().last().map_or(0, |row| row.committed_at + 1);
    let options = TrainOptions { recipe: Recipe::default(), prior, as_of, seed: 1 };
    let artifact = train_rows(rows, NAME, LabelTask::Strict, &options)?;
    let registry = Registry::at(&dir.join("models"));
    let model_name = registry.add(&artifact)?;
    registry.promote(&model_name)?;
    say(&format!("   trained {model_name} on everything"));
    Ok(dir.join("models").join("default"))
}

fn scored(sample: &Sample, config: &RepositoryConfig, model: &Path, dir: &Path) -> Result<(), Failure> {
    let now_ms = Timestamp::now().as_millisecond();
    let sources = LocalSources { model: Some(model), policy: None, repository: Some(config) };
    let local = Local::open(sources, &dir.join("cache"), now_ms.div_euclid(1000), &|_| {})
        .or_exit(Exit::Other, "the sample cannot be scored")?;
    say("4. scored a few proposed changes:");
    for proposal in &sample.proposals {
        let body = json!({ "change": {
            "repo": NAME, "author": proposal.author, "message": proposal.message, "diff": proposal.diff,
        }});
        let answer = local
            .answer(body.to_string().as_bytes(), now_ms)
            .or_exit(Exit::Other, format!("`{}` cannot be scored", proposal.file_name))?;
        print(&format!("\n{}: {}\n{}", proposal.file_name, proposal.message, describe(&answer)));
    }
    Ok(())
}

fn served(sample: &Sample, config: RepositoryConfig, model: PathBuf, dir: &Path) -> Result<Exit, Failure> {
    let port = free_port()?;
    let mut settings = Settings {
        store: StoreConfig::new(format!("sqlite://{}", dir.join("diffrisk.db").display())),
        model: Some(model),
        repositories: vec![config],
        cache: dir.join("cache"),
        ..Settings::default()
    };
    settings.server.listen = format!("127.0.0.1:{port}");
    say(&format!(
        "\n5. serving; ask from another terminal:\n\n  curl -s http://127.0.0.1:{port}/v1/score -H 'content-type: application/json' \\\n    -d '{{\"change\":{{\"repo\":\"{NAME}\",\"commit\":\"{}\"}}}}'\n\n  and open http://127.0.0.1:{port}/ to see what was decided (stop with Ctrl-C)\n",
        sample.head.0
    ));
    run_with(settings)
}

fn repository(sample: &Sample) -> RepositoryConfig {
    RepositoryConfig {
        name: NAME.to_owned(),
        path: sample.repository.clone(),
        unit: UnitChoice::Commit,
        owners: Some(sample.owners.clone()),
        incidents: Some(sample.incidents.clone().into()),
    }
}

/// The demo's port, or the next one that is free.
fn free_port() -> Result<u16, Failure> {
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    (PORT..PORT + 200).find(is_free).ok_or_else(|| Failure::bad_input("no port from 8080 on is free"))
}

fn say(text: &str) {
    print(&format!("{text}\n"));
}
