//! Hides secrets in whatever the report quotes from a bundle. Done once, on the model, so that no
//! output format can forget it.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::Report;
use super::preflight::Preflight;
use super::timeline::Timeline;
use crate::finding::{Evidence, Export, Finding, RemedyStep};
use crate::timeline::Entry;

/// What stands in place of a secret.
pub const MASK: &str = "***";

/// Hides secrets in all texts that come from the bundle or were filled in from it.
pub fn mask(report: &mut Report) {
    option(&mut report.bundle.issue_url);
    option(&mut report.bundle.issue_description);
    if let Some(upgrade) = &mut report.upgrade {
        option(&mut upgrade.waits_for);
        if let Some(movement) = &mut upgrade.last_movement {
            string(&mut movement.what);
            movement.evidence.iter_mut().for_each(evidence);
        }
    }
    for node in &mut report.cluster.nodes {
        let seen = node.last_seen.as_mut();
        seen.and_then(|seen| seen.evidence.as_mut())
            .into_iter()
            .for_each(evidence);
    }
    string(&mut report.verdict.summary);
    let verdict = &mut report.verdict;
    verdict
        .facts
        .iter_mut()
        .chain(&mut verdict.save_first)
        .chain(&mut verdict.collect)
        .for_each(string);
    for diagnosis in &mut report.diagnoses {
        string(&mut diagnosis.title);
        string(&mut diagnosis.summary);
        diagnosis.remedy.iter_mut().for_each(remedy);
    }
    for step in &mut report.plan {
        string(&mut step.text);
        option(&mut step.command);
        option(&mut step.check);
        option(&mut step.forbids_meanwhile);
    }
    report.findings.iter_mut().for_each(finding);
    if let Some(about) = &mut report.about {
        about.facts.iter_mut().for_each(evidence);
        about.timeline.iter_mut().for_each(entry);
    }
    for problem in &mut report.coverage.problems {
        string(&mut problem.reason);
    }
    for skipped in &mut report.coverage.not_evaluated {
        string(&mut skipped.reason);
    }
}

/// The same in the checks before an upgrade.
pub fn mask_preflight(preflight: &mut Preflight) {
    option(&mut preflight.bundle.issue_url);
    option(&mut preflight.bundle.issue_description);
    for check in &mut preflight.checks {
        check.notes.iter_mut().for_each(string);
        for fault in &mut check.faults {
            string(&mut fault.title);
            string(&mut fault.message);
            fault.evidence.iter_mut().for_each(evidence);
            fault.remedy.iter_mut().for_each(remedy);
        }
    }
    for problem in &mut preflight.problems {
        string(&mut problem.reason);
    }
}

/// The same in a timeline.
pub fn mask_timeline(timeline: &mut Timeline) {
    option(&mut timeline.bundle.issue_url);
    option(&mut timeline.bundle.issue_description);
    timeline.entries.iter_mut().for_each(entry);
    for clock in &mut timeline.clocks {
        clock.evidence.iter_mut().for_each(evidence);
    }
    for problem in &mut timeline.problems {
        string(&mut problem.reason);
    }
}

fn entry(entry: &mut Entry) {
    string(&mut entry.what);
    evidence(&mut entry.evidence);
}

/// The text with its secrets hidden: bearer and basic credentials, JSON web tokens, RKE2 join
/// tokens, private keys, user names and passwords in URLs, signatures of presigned URLs, and values
/// named token, password or secret. Placeholders (`<token>`, `$TOKEN`, `***`) and empty values stay.
#[must_use]
pub fn masked(text: &str) -> Cow<'_, str> {
    let mut secrets: Vec<Range<usize>> = Vec::new();
    for pattern in WHOLE.iter() {
        for found in pattern.captures_iter(text) {
            secrets.extend(found.name("secret").map(|secret| secret.range()));
        }
    }
    for found in BEARER.captures_iter(text) {
        secrets.extend(
            found
                .name("secret")
                .filter(|secret| is_random(secret.as_str(), 8))
                .map(|secret| secret.range()),
        );
    }
    secrets.extend(KEY.captures_iter(text).filter_map(|found| {
        let key = found.name("key")?;
        let mark = found.name("mark")?;
        value_of(text, key.range(), mark.range())
    }));
    if secrets.is_empty() {
        return Cow::Borrowed(text);
    }
    secrets.sort_by_key(|secret| (secret.start, secret.end));
    let mut hidden = String::with_capacity(text.len());
    let mut done = 0;
    for secret in secrets {
        // What is found twice, by two signs, is hidden as one.
        if secret.start >= done {
            hidden.push_str(&text[done..secret.start]);
            hidden.push_str(MASK);
        }
        done = done.max(secret.end);
    }
    hidden.push_str(&text[done..]);
    Cow::Owned(hidden)
}

pub(super) fn string(text: &mut String) {
    if let Cow::Owned(hidden) = masked(text) {
        *text = hidden;
    }
}

fn option(text: &mut Option<String>) {
    text.iter_mut().for_each(string);
}

fn evidence(evidence: &mut Evidence) {
    option(&mut evidence.text);
    option(&mut evidence.note);
    if let Some(text) = &mut evidence.value {
        value(evidence.field.as_deref().unwrap_or_default(), text);
    }
}

/// Hides the secrets in the value of a field. A field that is named for a secret holds one, whatever
/// it looks like.
pub(super) fn value(field: &str, text: &mut String) {
    if FIELD.is_match(field) && !is_placeholder(text) {
        *text = MASK.into();
    } else {
        string(text);
    }
}

fn remedy(step: &mut RemedyStep) {
    string(&mut step.text);
    option(&mut step.command);
    option(&mut step.check);
    option(&mut step.forbids_meanwhile);
}

fn finding(finding: &mut Finding) {
    string(&mut finding.title);
    string(&mut finding.message);
    finding.notes.iter_mut().for_each(string);
    finding.evidence.iter_mut().for_each(evidence);
    finding.remedy.iter_mut().for_each(remedy);
    for export in finding.exports.values_mut() {
        match export {
            Export::Text(text) => string(text),
            Export::Texts(texts) => texts.iter_mut().for_each(string),
            Export::Object(_) | Export::Objects(_) => {}
        }
    }
    if let Some(suppression) = &mut finding.suppressed {
        string(&mut suppression.reason);
    }
}

#[expect(
    clippy::expect_used,
    reason = "the patterns are constants of this file and compiled by its tests"
)]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a valid pattern")
}

/// Secrets that show by their own form; each pattern names the part to hide.
static WHOLE: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        // JSON web token: two base64 objects that begin with `{"`, and a signature.
        r"\b(?P<secret>eyJ[\w-]{5,}\.eyJ[\w-]*(?:\.[\w-]*)?)",
        // RKE2 and K3s join token: digest of the CA, user, password.
        r"\b(?P<secret>K10[0-9a-f]{16,}::[^\s\x22']+)",
        r"(?s)(?P<secret>-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$))",
        // Everything before the host of a URL.
        r"[a-zA-Z][a-zA-Z0-9+.-]*://(?P<secret>[^\s/?#\x22'<>*@]+(?:@[^\s/?#\x22'<>*@]+)*)@[\w\[]",
        // Presigned URLs of S3, Azure and Google.
        r"(?i)\bx-(?:amz|goog)-(?:signature|credential|security-token)(?:=|%3d)(?P<secret>[^\s&\x22'<*]+)",
        r"(?i)[?&](?:sig|signature|awsaccesskeyid)=(?P<secret>[^\s&\x22'<*]+)",
        r"(?i)\bauthorization\\*[\x22']?\s*[:=]\s*\[?\\*[\x22']?\s*(?:basic|bearer|digest|token|aws4-hmac-sha256)\s+(?P<secret>[^\s\x22'<$*\]\\][^\x22'\]\\]*)",
    ]
    .map(pattern)
    .into()
});

static BEARER: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)\b(?:bearer|basic)\s+(?P<secret>[a-z0-9._~+/-]{8,}=*)"));

/// A name that ends in a word for secrets, then a mark that gives it a value.
static KEY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?P<key>[\w.-]*(?:token|passw(?:or)?d|passphrase|secret|(?:access|secret|api|private)[_-]?key))(?P<mark>\\*[\x22']?(?:\s?:\s*| = |=))",
    )
});

static FIELD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)(?:token|passw(?:or)?d|passphrase|(?:secret|api|private)[_-]?key)\]?$")
});

/// Where the value of a key is, if it is one to hide.
fn value_of(text: &str, key: Range<usize>, mark: Range<usize>) -> Option<Range<usize>> {
    let (name, sign) = (&text[key.clone()], &text[mark.clone()]);
    let rest = &text[mark.end..];
    let slashes = rest.len() - rest.trim_start_matches('\\').len();
    let quote = rest[slashes..]
        .chars()
        .next()
        .filter(|first| matches!(first, '"' | '\''));
    let (start, value) = match quote {
        // The value ends at the quote that is escaped as often as the first; a cut line has none.
        Some(quote) => {
            let inner = &rest[slashes + 1..];
            let ends = |end: &usize| escapes_before(inner, *end) == slashes;
            let end = inner.match_indices(quote).map(|(end, _)| end).find(ends);
            (
                mark.end + slashes + 1,
                end.map_or(inner, |end| &inner[..end - slashes]),
            )
        }
        None => {
            let end = rest.find(|end: char| {
                end.is_whitespace()
                    || matches!(end, '"' | '\'' | ',' | ';' | '&' | ')' | '}' | ']' | '\\')
            });
            (mark.end, &rest[..end.unwrap_or(rest.len())])
        }
    };
    let structured = quote.is_none() && value.starts_with(['{', '[', '(']);
    if structured || is_placeholder(value) {
        return None;
    }
    // `name=value` and `"name": value` are data. `token: …` and `secret: …` are as often prose
    // ("secret: not found"): they count at the start of a line, as in YAML, or when the value is quoted or random.
    let prose = sign.trim_start_matches('\\').starts_with([':', ' '])
        && quote.is_none()
        && !sign.contains('=');
    if prose && !name.to_ascii_lowercase().contains("passw") {
        let lone = text[..key.start].trim_matches([' ', '-', '\t']).is_empty()
            && text[mark.end..].trim() == value;
        let is_secret_object = name.to_ascii_lowercase().ends_with("secret");
        let random = is_random(value, 16);
        if !(random || lone && !is_secret_object) {
            return None;
        }
    }
    Some(start..start + value.len())
}

/// How many backslashes stand before a quote.
fn escapes_before(text: &str, quote: usize) -> usize {
    let before = &text[..quote];
    before.len() - before.trim_end_matches('\\').len()
}

/// Nothing to hide: empty, a word for nothing, or something that stands for a value.
fn is_placeholder(value: &str) -> bool {
    let nothing = [
        "nil",
        "null",
        "none",
        "true",
        "false",
        "undefined",
        "unknown",
    ];
    value.is_empty()
        || value.starts_with(['<', '$', '*'])
        || value.starts_with("{{")
        || nothing.iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// Long enough and of mixed signs, as no word is.
fn is_random(value: &str, least: usize) -> bool {
    let digit = value.bytes().any(|byte| byte.is_ascii_digit());
    let letter = value.bytes().any(|byte| byte.is_ascii_alphabetic());
    let path = value.starts_with('/') || value.contains("://");
    value.len() >= least && !path && (digit && letter || value.ends_with('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden() {
        for (text, shown) in [
            (
                "Authorization: Bearer kubeconfig-user-x7:abcdefgh",
                "Authorization: Bearer ***",
            ),
            (
                "header Authorization: [Basic dXNlcjpwYXNz]",
                "header Authorization: [Basic ***]",
            ),
            ("using bearer 0123abcd4567efgh now", "using bearer *** now"),
            (
                "bearer eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrOHMifQ.c2ln-_x end",
                "bearer *** end",
            ),
            (
                "got eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrOHMifQ.c2ln-_x",
                "got ***",
            ),
            ("--token=abc123 --server=x", "--token=*** --server=x"),
            ("K3S_TOKEN=s3cret", "K3S_TOKEN=***"),
            ("token=x", "token=***"),
            ("url?token=abc&next=1", "url?token=***&next=1"),
            (
                r#"{"password": "p\"q", "user": "u"}"#,
                r#"{"password": "***", "user": "u"}"#,
            ),
            (
                r#"{"password":"hunter2","user":"u"}"#,
                r#"{"password":"***","user":"u"}"#,
            ),
            (
                r#"msg="{\"password\":\"hunter2\",\"user\":\"u\"}""#,
                r#"msg="{\"password\":\"***\",\"user\":\"u\"}""#,
            ),
            (r#"{"password":"cut off in the mid"#, r#"{"password":"***"#),
            ("password: hunter2", "password: ***"),
            ("  password: 'a b c'", "  password: '***'"),
            (
                "level=info password=hunter2, user=x",
                "level=info password=***, user=x",
            ),
            (r#"password = "hunter2""#, r#"password = "***""#),
            ("token: rancher", "token: ***"),
            ("- token: rancher", "- token: ***"),
            (
                "joined with token: 0a1b2c3d4e5f6a7b8c",
                "joined with token: ***",
            ),
            ("client_secret=q", "client_secret=***"),
            (
                "AWS_SECRET_ACCESS_KEY=abc/def+1",
                "AWS_SECRET_ACCESS_KEY=***",
            ),
            ("https://user:pass@host/x", "https://***@host/x"),
            ("https://user:p@ss@host:8080/x", "https://***@host:8080/x"),
            (
                "https://ghp_0123@github.com/x.git",
                "https://***@github.com/x.git",
            ),
            (
                "GET https://s3/x?X-Amz-Credential=AKIA%2F2025&X-Amz-Date=1&X-Amz-Signature=0a1b HTTP/1.1",
                "GET https://s3/x?X-Amz-Credential=***&X-Amz-Date=1&X-Amz-Signature=*** HTTP/1.1",
            ),
            (
                "https://blob/x?sv=1&sig=abc%3D",
                "https://blob/x?sv=1&sig=***",
            ),
            ("K10aabbccddeeff00112233::server:longpass", "***"),
            (
                "a -----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY----- b",
                "a *** b",
            ),
            ("-----BEGIN PRIVATE KEY----- MII", "***"),
            ("Passwort ü password=ü€ x", "Passwort ü password=*** x"),
        ] {
            assert_eq!(masked(text), shown);
            assert_eq!(masked(shown), shown, "hidden twice");
        }
    }

    #[test]
    fn ordinary_lines_stay() {
        for text in [
            "token=",
            "token= next=1",
            "token=\"\"",
            "the token: expired",
            "tokenreviews.authentication.k8s.io=1",
            "POST /apis/authentication.k8s.io/v1/tokenreviews: 200",
            "secrets=12 tokens: 3",
            "error syncing secret: not found",
            "secret: cattle-system/tls-rancher",
            "secretName: tls-rancher",
            "\"secret\":{\"secretName\":\"tls\"}",
            "bearer token is invalid",
            "Basic authentication required",
            "WWW-Authenticate: Bearer realm",
            "password:",
            "kubectl create token --token=$TOKEN --password=<new>",
            "serviceAccountToken: {expirationSeconds: 3607}",
            "http://10.52.0.1:8080/healthz?timeout=1s",
            "mail to user@example.com",
            "docker.io/rancher/rke2@sha256:0a1b2c",
            "I0317 09:12:44.000001 1 reflector.go:1] watch of *v1.Secret ended",
            "token=<nil> err=null",
        ] {
            assert_eq!(masked(text), text);
        }
    }

    #[test]
    fn fields_named_for_secrets_are_hidden_whole() {
        let mut one = Evidence {
            field: Some("data.password".into()),
            value: Some("aaa".into()),
            ..Evidence::default()
        };
        evidence(&mut one);
        assert_eq!(one.value.as_deref(), Some("***"));
        let mut name = Evidence {
            field: Some("spec.secretName".into()),
            value: Some("tls".into()),
            ..Evidence::default()
        };
        evidence(&mut name);
        assert_eq!(name.value.as_deref(), Some("tls"));
    }
}
