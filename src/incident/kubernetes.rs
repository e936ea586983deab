//! Kubernetes OWNERS files: the nearest directory upward speaks for a path.

use std::collections::BTreeMap;

/// OWNERS files by directory, and the aliases that they may use.
#[derive(Clone, Debug, Default)]
pub(crate) struct OwnersFiles {
    by_dir: BTreeMap<String, Vec<String>>,
    aliases: BTreeMap<String, Vec<String>>,
}

impl OwnersFiles {
    /// Takes the files; see [`crate::incident::Owners::from_owners_files`].
    pub(crate) fn parse<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut owners_files = Self::default();
        for (dir, text) in files {
            if dir == "OWNERS_ALIASES" {
                owners_files.aliases = lists(text);
                continue;
            }
            let mut sections = lists(text);
            let mut owners = sections.remove("approvers").unwrap_or_default();
            owners.extend(sections.remove("reviewers").unwrap_or_default());
            owners_files.by_dir.insert(dir.trim_matches('/').to_owned(), owners);
        }
        owners_files
    }

    /// The owners named in the nearest directory upward, aliases replaced by their members.
    pub(crate) fn owners_of(&self, path: &str) -> Vec<String> {
        let mut owners: Vec<String> = Vec::new();
        for name in self.nearest(path) {
            let members = self.aliases.get(name).map_or(std::slice::from_ref(name), Vec::as_slice);
            for member in members {
                if !owners.contains(member) {
                    owners.push(member.clone());
                }
            }
        }
        owners
    }

    fn nearest(&self, path: &str) -> &[String] {
        let mut dir = path;
        while let Some((parent, _)) = dir.rsplit_once('/') {
            if let Some(owners) = self.by_dir.get(parent).filter(|owners| !owners.is_empty()) {
                return owners;
            }
            dir = parent;
        }
        self.by_dir.get("").map(Vec::as_slice).unwrap_or_default()
    }
}

/// Every `key:` with the `- item` lines below it. OWNERS files are that plain; anything else is skipped.
fn lists(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut lists: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut key = None;
    for line in text.lines() {
        let line = line.split(" #").next().unwrap_or("").trim();
        if let Some(item) = line.strip_prefix("- ") {
            if let Some(list) = key.as_ref().and_then(|key| lists.get_mut(key)) {
                list.push(unquoted(item));
            }
        } else if let Some(name) = line.strip_suffix(':') {
            let name = unquoted(name);
            lists.entry(name.clone()).or_default();
            key = Some(name);
        }
    }
    lists
}

fn unquoted(text: &str) -> String {
    text.trim().trim_matches(['"', '\'']).to_owned()
}
