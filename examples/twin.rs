//! Writes a twin of the published artifact as an artifact of its own, to ask what a model says that has seen neither a
//! repository's organization nor anything later than 70 % of its history:
//! `cargo run --release --example twin -- ROOT_COMMIT DIRECTORY`, then `diffrisk score --model DIRECTORY …`.

use std::path::Path;

use anyhow::{Context, bail};
use diffrisk::artifact::{Artifact, Golden, TwinKind, Twins, published};

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [root, directory] = args.as_slice() else { bail!("expected: ROOT_COMMIT DIRECTORY") };
    let artifact = published()?;
    let is_wanted =
        |twin: &diffrisk::artifact::Twin| twin.root == *root && twin.kind == TwinKind::OrganizationAndLater;
    let twin = artifact.twins()?.twins.into_iter().find(is_wanted).context("no twin of this root")?;
    let mut document = artifact.document().clone();
    document.name = format!("{}-twin", document.name);
    document.trained_until = twin.trained_until;
    document.sources.retain(|source| !twin.excluded.contains(&source.root));
    let scoring = twin.scoring;
    let answer = |golden: Golden| {
        let (margin, score) = scoring.score(&golden.row(), &golden.tokens);
        Golden { margin, score, ..golden }
    };
    document.golden = document.golden.into_iter().map(answer).collect();
    document.scoring = scoring;
    let card =
        format!("# {}\n\nA twin without {} and later facts.\n", document.name, twin.excluded.join(", "));
    let artifact = Artifact::new(document, card, &Twins::default())?;
    artifact.save(Path::new(directory))?;
    println!("{} {} learned until {}", artifact.document().name, artifact.version(), twin.trained_until);
    Ok(())
}
