//! The directories of a cache side by side. Each says whose it is, and is locked for as long as somebody uses it, so that
//! those which a repository has left behind can go; one in use never goes. Start at [`Place`].

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Says whose a directory is. Its lock is that of the directory, and its time that of the last use.
const ABOUT_FILE: &str = "about.json";
/// How the name of a directory begins that is being removed.
const GONE: &str = ".gone-";
/// Two commands with other incidents, or of two versions, may take turns: neither is to fold everything each time.
const IDLE: Duration = Duration::from_secs(24 * 3600);
const N_TRIES: u32 = 100;

/// Everything that a folded history depends on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct About {
    pub(super) format: u32,
    pub(super) schema: String,
    pub(super) git_dir: String,
    pub(super) root_commit: String,
    pub(super) unit: String,
    pub(super) sources: String,
}

/// The directory of one folded history, private to its owner.
#[derive(Clone, Debug)]
pub(super) struct Place {
    root: PathBuf,
    dir: PathBuf,
    about: About,
}

/// Keeps a directory where it is.
pub(super) struct InUse(File);

impl Drop for InUse {
    fn drop(&mut self) {
        // A service that ran for months used it until now.
        let _ = self.0.set_modified(SystemTime::now());
    }
}

impl About {
    /// What caches have in common that are used together: all but what stands behind the first word of their sources.
    fn family(&self) -> Self {
        let sources = self.sources.split(' ').next().unwrap_or_default().to_owned();
        Self { sources, ..self.clone() }
    }

    /// Whether another one is of the same repository, or of the same history in a place that is gone.
    fn is_of_same_repository(&self, other: &Self) -> bool {
        let has_moved = || self.root_commit == other.root_commit && !Path::new(&other.git_dir).exists();
        self.git_dir == other.git_dir || has_moved()
    }
}

impl Place {
    /// Where the history of these things is kept below `root`; other things have another place.
    pub(super) fn of(root: &Path, about: About) -> Self {
        let name = hex::encode(&Sha256::digest(about.to_json())[..12]);
        Self { root: root.to_owned(), dir: root.join(name), about }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Makes the directory where there is none; nobody removes it as left behind until what comes back is dropped.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub(super) fn hold(&self) -> io::Result<InUse> {
        for _ in 0..N_TRIES {
            DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
            let path = self.dir.join(ABOUT_FILE);
            let mut options = OpenOptions::new();
            let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
            let mut file = match options.open(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened?,
            };
            // Where files cannot be locked, nobody can take the lock that a removal needs.
            let _ = file.lock_shared();
            // Whoever held it alone until now may have taken the directory away.
            if fs::metadata(&path).is_ok_and(|found| is_same(&file, &found)) {
                fs::set_permissions(&self.dir, Permissions::from_mode(0o700))?;
                self.describe(&mut file)?;
                return Ok(InUse(file));
            }
        }
        Err(io::Error::other("it is removed again and again"))
    }

    fn describe(&self, file: &mut File) -> io::Result<()> {
        let (mut found, about) = (Vec::new(), self.about.to_json());
        file.read_to_end(&mut found)?;
        if found != about {
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(&about)?;
        }
        file.set_modified(SystemTime::now())
    }

    /// Removes the other caches of the repository that nobody uses and nobody has used for a day. One that cannot be removed
    /// is in nobody's way.
    pub(super) fn sweep(&self) {
        // Who is killed later cannot say until when it was used.
        let about = OpenOptions::new().write(true).open(self.dir.join(ABOUT_FILE));
        let _ = about.and_then(|file| file.set_modified(SystemTime::now()));
        let mut families: BTreeMap<About, Vec<(PathBuf, Option<File>)>> = BTreeMap::new();
        for entry in fs::read_dir(&self.root).into_iter().flatten().flatten() {
            let dir = entry.path();
            if entry.file_name().as_encoded_bytes().starts_with(GONE.as_bytes()) {
                let _ = fs::remove_dir_all(&dir);
            } else if let Some((about, idle)) = read(&dir) {
                families.entry(about.family()).or_default().push((dir, idle));
            }
        }
        let own_family = self.about.family();
        for (family, members) in families {
            let is_left = family != own_family && own_family.is_of_same_repository(&family);
            if is_left && members.iter().all(|(_, idle)| idle.is_some()) {
                members.iter().for_each(|(dir, _)| self.remove(dir));
            }
        }
    }

    /// Removes it, unless somebody uses it: who uses it last does, or else a sweep.
    pub(super) fn leave(&self) {
        let Ok(about) = File::open(self.dir.join(ABOUT_FILE)) else { return };
        if about.try_lock().is_ok() {
            self.remove(&self.dir);
        }
    }

    /// Whoever wants it meanwhile finds it whole or not at all.
    fn remove(&self, dir: &Path) {
        let name = dir.file_name().unwrap_or_default().to_string_lossy();
        let gone = self.root.join(format!("{GONE}{name}"));
        if fs::rename(dir, &gone).is_ok() {
            let _ = fs::remove_dir_all(&gone);
        }
    }
}

impl About {
    fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("it is plain data")
    }
}

/// What a directory is about, if it says so, and its lock, if nobody uses it nor has for long.
fn read(dir: &Path) -> Option<(About, Option<File>)> {
    let mut file = OpenOptions::new().read(true).write(true).open(dir.join(ABOUT_FILE)).ok()?;
    let mut text = Vec::new();
    file.read_to_end(&mut text).ok()?;
    let about = serde_json::from_slice(&text).ok()?;
    let used_at = file.metadata().and_then(|metadata| metadata.modified()).ok()?;
    // By a clock that was set back it is no time since.
    let is_idle = used_at.elapsed().is_ok_and(|unused| unused >= IDLE) && file.try_lock().is_ok();
    Some((about, is_idle.then_some(file)))
}

fn is_same(file: &File, found: &fs::Metadata) -> bool {
    file.metadata().is_ok_and(|held| (held.dev(), held.ino()) == (found.dev(), found.ino()))
}
