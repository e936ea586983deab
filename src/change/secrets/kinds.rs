//! Secrets with a shape of their own: issuers that mark their tokens, key blocks, credentials in URLs.
//!
//! One search over all markers finds candidates; only there the kind's pattern is tried, anchored.
//! The shapes are those that the issuers document.

use crate::change::secrets::SecretMatch;
use regex::Regex;
use std::sync::LazyLock;

/// A kind: its name, the markers that betray it, and the pattern from the marker on. Group 1, where
/// there is one, is the secret itself.
struct Kind {
    name: &'static str,
    markers: &'static [&'static str],
    pattern: &'static str,
    /// Whether word bytes before the marker belong to the secret.
    reaches_back: bool,
    /// Whether the marker may follow a word byte.
    inside_word: bool,
}

const fn kind(name: &'static str, markers: &'static [&'static str], pattern: &'static str) -> Kind {
    Kind { name, markers, pattern, reaches_back: false, inside_word: false }
}

const fn inner(name: &'static str, markers: &'static [&'static str], pattern: &'static str) -> Kind {
    Kind { name, markers, pattern, reaches_back: false, inside_word: true }
}

const fn back(name: &'static str, markers: &'static [&'static str], pattern: &'static str) -> Kind {
    Kind { name, markers, pattern, reaches_back: true, inside_word: true }
}

const KINDS: &[Kind] = &[
    kind("aws_access_key_id", &["AKIA", "ASIA", "ABIA", "ACCA"], r"[A-Z]{4}[A-Z0-9]{16}\b"),
    kind("aws_bedrock_key", &["ABSK"], r"ABSK[A-Za-z0-9+/=]{60,}"),
    kind("aws_mws_key", &["amzn.mws."], r"amzn\.mws\.[0-9a-f-]{36}"),
    kind("gcp_api_key", &["AIza"], r"AIza[0-9A-Za-z_-]{35}"),
    kind("gcp_oauth_secret", &["GOCSPX-"], r"GOCSPX-[0-9A-Za-z_-]{20,}"),
    kind("gcp_oauth_token", &["ya29."], r"ya29\.[0-9A-Za-z_-]{20,}"),
    inner("gcp_private_key_id", &["private_key_id"], r#"private_key_id["']?\s*[:=]\s*["']?([0-9a-f]{40})\b"#),
    inner("azure_account_key", &["AccountKey="], r"AccountKey=([A-Za-z0-9+/]{60,}={0,2})"),
    inner("azure_shared_access_key", &["SharedAccessKey="], r"SharedAccessKey=([A-Za-z0-9+/]{40,}={0,2})"),
    inner("azure_sas_signature", &["sig="], r"sig=([A-Za-z0-9+/%]{43,}={0,2})"),
    back("azure_client_secret", &["8Q~"], r"[A-Za-z0-9_~.-]{3}8Q~[A-Za-z0-9_~.-]{31,34}"),
    kind("github_token", &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], r"gh[pousr]_[A-Za-z0-9]{36,}"),
    kind("github_fine_grained_token", &["github_pat_"], r"github_pat_[A-Za-z0-9_]{40,}"),
    kind("gitlab_token", &["glpat-"], r"glpat-[A-Za-z0-9_-]{20,}"),
    kind("gitlab_runner_token", &["glrt-", "GR1348941"], r"(?:glrt-|GR1348941)[A-Za-z0-9_-]{20,}"),
    kind(
        "gitlab_deploy_token",
        &["gldt-", "glptt-", "glcbt-", "glsoat-", "glft-"],
        r"gl[a-z]{2,4}-[A-Za-z0-9_-]{20,}",
    ),
    kind(
        "slack_token",
        &["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxe-"],
        r"xox[a-z]-[A-Za-z0-9-]{20,}",
    ),
    kind("slack_app_token", &["xapp-"], r"xapp-[0-9]-[A-Za-z0-9-]{20,}"),
    inner(
        "slack_webhook",
        &["hooks.slack.com/"],
        r"hooks\.slack\.com/(?:services|workflows)/([A-Za-z0-9_/]{30,})",
    ),
    kind(
        "stripe_key",
        &["sk_live_", "rk_live_", "sk_test_", "rk_test_"],
        r"[sr]k_(?:live|test)_[A-Za-z0-9]{16,}",
    ),
    kind("stripe_webhook_secret", &["whsec_"], r"whsec_[A-Za-z0-9+/=]{24,}"),
    kind("twilio_api_key", &["SK"], r"SK[0-9a-f]{32}\b"),
    kind("sendgrid_key", &["SG."], r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}"),
    kind("mailgun_key", &["key-"], r"key-[0-9a-f]{32}\b"),
    back("mailchimp_key", &["-us"], r"[0-9a-f]{32}-us[0-9]{1,2}\b"),
    kind("npm_token", &["npm_"], r"npm_[A-Za-z0-9]{36}"),
    kind("pypi_token", &["pypi-"], r"pypi-[A-Za-z0-9_-]{50,}"),
    kind("rubygems_key", &["rubygems_"], r"rubygems_[0-9a-f]{48}"),
    kind("crates_io_token", &["cio"], r"cio[A-Za-z0-9]{32}\b"),
    kind("docker_hub_token", &["dckr_pat_", "dckr_oat_"], r"dckr_[po]at_[A-Za-z0-9_-]{27,}"),
    kind("digitalocean_token", &["dop_v1_", "doo_v1_", "dor_v1_"], r"do[opr]_v1_[0-9a-f]{64}"),
    kind("heroku_key", &["HRKU-"], r"HRKU-[A-Za-z0-9_-]{36,}"),
    kind("shopify_token", &["shpat_", "shpca_", "shppa_", "shpss_"], r"shp[a-z]{2}_[0-9a-fA-F]{32}"),
    kind("square_token", &["sq0atp-", "sq0csp-"], r"sq0[a-z]{3}-[0-9A-Za-z_-]{22,}"),
    kind("vault_token", &["hvs.", "hvb.", "hvr."], r"hv[sbr]\.[A-Za-z0-9_-]{24,}"),
    back("terraform_cloud_token", &[".atlasv1."], r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,}"),
    kind("grafana_token", &["glsa_", "glc_"], r"glsa_[A-Za-z0-9]{32}_[0-9a-f]{8}|glc_[A-Za-z0-9+/=]{32,}"),
    kind("new_relic_key", &["NRAK-", "NRJS-"], r"NR(?:AK|JS)-[A-Za-z0-9]{19,}"),
    back("telegram_bot_token", &[":AA"], r"[0-9]{8,10}:AA[A-Za-z0-9_-]{32,33}"),
    inner("discord_webhook", &["/api/webhooks/"], r"/api/webhooks/([0-9]{10,}/[A-Za-z0-9_-]{40,})"),
    kind("openai_key", &["sk-proj-", "sk-svcacct-", "sk-admin-"], r"sk-[a-z]+-[A-Za-z0-9_-]{32,}"),
    kind("anthropic_key", &["sk-ant-"], r"sk-ant-[A-Za-z0-9_-]{24,}"),
    kind("hugging_face_token", &["hf_"], r"hf_[A-Za-z0-9]{30,}"),
    kind("databricks_token", &["dapi"], r"dapi[0-9a-f]{32}\b"),
    kind("linear_key", &["lin_api_"], r"lin_api_[A-Za-z0-9]{32,}"),
    kind("postman_key", &["PMAK-"], r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    kind("atlassian_token", &["ATATT3", "ATCTT3", "ATBB"], r"(?:AT[AC]TT3|ATBB)[A-Za-z0-9_=-]{28,}"),
    kind("sentry_token", &["sntrys_", "sntryu_"], r"sntry[su]_[A-Za-z0-9+/=_-]{32,}"),
    kind("sonarqube_token", &["sqp_", "squ_", "sqa_"], r"sq[pua]_[0-9a-f]{40}"),
    kind("artifactory_key", &["AKCp"], r"AKCp[A-Za-z0-9]{50,}"),
    kind("planetscale_password", &["pscale_pw_", "pscale_tkn_"], r"pscale_(?:pw|tkn)_[A-Za-z0-9_.-]{32,}"),
    kind("doppler_token", &["dp.pt.", "dp.st."], r"dp\.[ps]t\.[A-Za-z0-9_.]{40,}"),
    kind("facebook_token", &["EAACEdEose0cBA"], r"EAACEdEose0cBA[0-9A-Za-z]+"),
    kind("cloudflare_origin_key", &["v1.0-"], r"v1\.0-[0-9a-f]{24}-[0-9a-f]{100,}"),
    kind("pulumi_token", &["pul-"], r"pul-[0-9a-f]{40}\b"),
    kind("age_secret_key", &["AGE-SECRET-KEY-"], r"AGE-SECRET-KEY-1[0-9A-Z]{40,}"),
    kind("jwt", &["eyJ"], r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),
    kind("crypt_hash", &["$2a$", "$2b$", "$2y$"], r"\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}"),
    kind("crypt_hash", &["$1$", "$5$", "$6$", "$apr1$", "$y$"], r"\$(?:1|5|6|y|apr1)\$[./=A-Za-z0-9$]{20,}"),
    kind("putty_private_key", &["Private-Lines:"], r"Private-Lines: [0-9]+(\s+[A-Za-z0-9+/=\s]{40,})"),
    inner("bearer_token", &["Bearer ", "bearer "], r"[Bb]earer ([A-Za-z0-9_.~+/-]{20,}=*)"),
    inner("basic_auth_header", &["Basic "], r"Basic ([A-Za-z0-9+/]{12,}={0,2})"),
    inner(
        "basic_auth_url",
        &["://"],
        r"://[A-Za-z0-9._%+-]{0,64}:([!-.0-9;-?A-Z\[-z|~]{3,128})@[A-Za-z0-9\[]",
    ),
    inner("sentry_dsn", &["://"], r"://([0-9a-f]{32})@[A-Za-z0-9]"),
    kind("private_key", &["-----BEGIN "], r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"),
];

/// The markers of all kinds in one search, and each kind's pattern.
struct Compiled {
    search: Regex,
    patterns: Vec<Regex>,
}

static COMPILED: LazyLock<Compiled> = LazyLock::new(|| {
    let markers: Vec<String> =
        KINDS.iter().flat_map(|kind| kind.markers).map(|marker| regex::escape(marker)).collect();
    let compile = |pattern: &str| Regex::new(pattern).expect("the patterns of the table are tested");
    Compiled {
        search: compile(&markers.join("|")),
        patterns: KINDS.iter().map(|kind| compile(&format!("^(?-u:{})", kind.pattern))).collect(),
    }
});

/// The names of the kinds of this module.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|kind| kind.name)
}

/// Finds all secrets of known shape.
pub(super) fn find(text: &str, found: &mut Vec<SecretMatch>) {
    let compiled = &*COMPILED;
    let mut dead_ends = DeadEnds { text, no_jwt_before: 0, last_footer: None };
    let mut from = 0;
    while let Some(marker) = compiled.search.find_at(text, from) {
        let matched = KINDS
            .iter()
            .zip(&compiled.patterns)
            .filter(|(kind, _)| kind.markers.contains(&marker.as_str()))
            .find_map(|(kind, pattern)| try_kind(kind, pattern, &mut dead_ends, marker.start()));
        from = matched.map_or(marker.start() + 1, |secret| secret.end.max(marker.start() + 1));
        from = text.ceil_char_boundary(from);
        found.extend(matched);
    }
}

/// What was looked for in vain, so that a text that begins the same thing again and again is not read to its end each time.
struct DeadEnds<'a> {
    text: &'a str,
    /// No JWT begins before.
    no_jwt_before: usize,
    /// The last footer of a key block that is whole; looked for once.
    last_footer: Option<Option<usize>>,
}

impl DeadEnds<'_> {
    /// Notes that no JWT begins at `start`: then none does in its first part, whose end is the same from wherever in it.
    fn note_no_jwt(&mut self, start: usize) {
        let is_of_part = |b: &u8| is_word(*b) || *b == b'-';
        let part = self.text.as_bytes().get(start..).unwrap_or(&[]).iter().take_while(|b| is_of_part(b));
        self.no_jwt_before = start + part.count();
    }

    /// The end of a key block: after its footer, else where the text stops looking like one.
    fn block_end(&mut self, header_end: usize) -> usize {
        let rest = self.text.get(header_end..).unwrap_or("");
        let last_footer = *self.last_footer.get_or_insert_with(|| last_footer(self.text));
        if last_footer.is_some_and(|last_footer| last_footer >= header_end)
            && let Some(footer) = rest.find(FOOTER)
            && let Some(close) = rest.get(footer + FOOTER.len()..).and_then(|tail| tail.find(DASHES))
        {
            return header_end + footer + FOOTER.len() + close + DASHES.len();
        }
        let body = rest.bytes().take_while(|b| is_word(*b) || b" +/=\\-\r\n\t:,".contains(b)).count();
        header_end + body
    }
}

const FOOTER: &str = "-----END ";
const DASHES: &str = "-----";

/// Where the last footer begins behind which there are dashes again.
fn last_footer(text: &str) -> Option<usize> {
    text.rfind(DASHES).and_then(|dashes| text.get(..dashes)?.rfind(FOOTER))
}

fn try_kind(kind: &Kind, pattern: &Regex, dead_ends: &mut DeadEnds<'_>, at: usize) -> Option<SecretMatch> {
    let text = dead_ends.text;
    let is_jwt = kind.name == "jwt";
    if is_jwt && at < dead_ends.no_jwt_before {
        return None;
    }
    let before = text.as_bytes().get(..at)?;
    let follows_word = before.last().is_some_and(|&b| is_word(b));
    if follows_word && !kind.inside_word {
        return None;
    }
    let n_back =
        if kind.reaches_back { before.iter().rev().take(40).take_while(|b| is_back(**b)).count() } else { 0 };
    let start = at - n_back;
    let Some(captures) = pattern.captures(text.get(start..)?) else {
        if is_jwt {
            dead_ends.note_no_jwt(start);
        }
        return None;
    };
    let secret = captures.get(1).or_else(|| captures.get(0))?;
    let found = SecretMatch { start: start + secret.start(), end: start + secret.end(), kind: kind.name };
    match kind.name {
        "private_key" => Some(SecretMatch { end: dead_ends.block_end(found.end), ..found }),
        "basic_auth_url" | "bearer_token" if is_reference(text.get(found.start..found.end)?) => None,
        _ => Some(found),
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_back(byte: u8) -> bool {
    is_word(byte) || matches!(byte, b'~' | b'.' | b'-')
}

fn is_reference(secret: &str) -> bool {
    secret.contains(['$', '{', '<'])
        || is_formatted(secret)
        || secret.starts_with("xxx")
        || secret.starts_with("***")
}

/// Whether a `%` is that of a format, and not of a byte written in two digits.
fn is_formatted(secret: &str) -> bool {
    let is_byte = |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    secret.split('%').skip(1).any(|rest| !is_byte(rest))
}
