//! `methods` and `call`: any method of the daemon by its name.
//!
//! Invariant: an argument that looks like JSON and is broken is refused, never sent as text; what
//! does not fit the method is refused by the client before anything is sent.

use std::io::{self, Read, Write};

use serde_json::{Value as Json, json};

use super::audit::Deeds;
use super::failure::{Code, Failure};
use super::{Context, ask, output, targets};
use crate::cli::Call;
use crate::client::{COMPOSED, ClientError};
use crate::model::Target;
use crate::model::audit::of_call;
use crate::protocol::redact::without_environment;
use crate::protocol::risk::Risk;
use crate::protocol::shape;
use crate::protocol::text::{clean, clean_to};

/// The most of a call that a question or a complaint says, characters.
const ASKED_CHARS_MAX: usize = 1_000;
/// The largest argument that is read from standard input, bytes.
const INPUT_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Prints the methods: the daemon's own, and those that the client composes for it.
pub(super) async fn methods(
    context: &Context,
    as_json: bool,
    out: &mut impl Write,
) -> Result<Code, Failure> {
    let client = context.connect().await?;
    let methods = client.methods().clone();
    client.disconnect().await;
    let composed = |name: &str| COMPOSED.iter().find(|composed| composed.name == name);
    let own = methods.names().map(|name| {
        let params = methods.params(name).unwrap_or_default();
        // The last one is the callback.
        let params = params.split_last().map_or(&[][..], |(_, params)| params);
        let params: Vec<String> = params.iter().map(|param| clean(param).into_owned()).collect();
        match composed(name) {
            // PM2 does not tell those of bound functions.
            Some(composed) if params.is_empty() => (name, owned(composed.params), "daemon"),
            _ => (name, params, "daemon"),
        }
    });
    let others = COMPOSED.iter().filter(|composed| !methods.has(composed.name));
    let others = others.map(|composed| (composed.name, owned(composed.params), "pm2-tui"));
    let mut all: Vec<(&str, Vec<String>, &str)> = own.chain(others).collect();
    all.sort_unstable();
    if as_json {
        let list = all.iter().map(
            |(name, params, source)| json!({ "name": name, "params": params, "source": source }),
        );
        output::json(&Json::Array(list.collect()), context.json_style(), out)?;
        return Ok(Code::Fine);
    }
    for (name, params, source) in all {
        let note = if source == "daemon" { "" } else { "  composed by pm2-tui" };
        writeln!(out, "{}({}){note}", clean(name), params.join(", "))?;
    }
    Ok(Code::Fine)
}

fn owned(params: &[&str]) -> Vec<String> {
    params.iter().map(|&param| param.to_owned()).collect()
}

/// Calls a method and prints its reply.
pub(super) async fn run(
    context: &Context,
    what: &Call,
    out: &mut impl Write,
) -> Result<Code, Failure> {
    let args = arguments(&what.method, &what.args, || read_bounded(io::stdin().lock()))?;
    let said = without_environment(Json::from(args.clone())).to_string();
    let asked = clean_to(&format!("{} {said}", what.method), ASKED_CHARS_MAX);
    // What is refused anyway is not asked about.
    let risk = if context.options.read_only { Risk::Reads } else { Risk::of(&what.method) };
    ask::require_for(context, risk, &format!("call {}", what.method))?;
    let client = context.connect_for(what.timeout).await?;
    let is_known = client.callable().contains(&what.method);
    let is_asked = is_known && ask::is_asked(context, risk);
    // Who is meant may be others once there is an answer.
    let chosen = if is_asked || (is_known && context.book.is_some() && risk > Risk::Reads) {
        let chosen = client.chosen(&what.method, &args).await;
        Some(chosen.map_err(|error| context.failure(error))?)
    } else {
        None
    };
    let deeds: Deeds = match &chosen {
        Some(chosen) => vec![of_call(&what.method, &chosen.targets)],
        None => Vec::new(),
    };
    let reply = if let Some(chosen) = chosen.filter(|_| is_asked) {
        let whom = targets::named(chosen.targets.iter().map(Target::label), context.is_ascii);
        let question = format!("call {asked}{whom} on the daemon of {}?", context.home());
        ask::confirm_for(context, risk, &question)?;
        context.note_asked(&deeds);
        client.call_for(&what.method, args, &chosen).await
    } else {
        context.note_asked(&deeds);
        client.call(&what.method, args).await
    };
    for (action, target) in &deeds {
        let words = reply.as_ref().map_or_else(ToString::to_string, |_| "answered".to_owned());
        context.note_outcome((action, target), (reply.is_ok(), &words));
    }
    let reply = reply.map_err(|error| match error {
        // PM2's own words often do not say what they are about.
        ClientError::Daemon { message, .. } => Failure::condition(format!("{asked}: {message}")),
        error => context.failure(error),
    })?;
    output::json(&reply, context.json_style(), out)?;
    client.disconnect().await;
    Ok(Code::Fine)
}

/// The arguments as JSON. `input` reads standard input.
fn arguments(
    method: &str,
    words: &[String],
    input: impl FnOnce() -> Result<String, Failure>,
) -> Result<Vec<Json>, Failure> {
    if words.is_empty() && shape::ignores_argument(method) {
        return Ok(vec![json!({})]);
    }
    let mut input = Some(input);
    let mut args = Vec::with_capacity(words.len());
    for (index, word) in words.iter().enumerate() {
        let place = format!("argument {}", index + 1);
        args.push(if word == "-" {
            let Some(input) = input.take() else {
                return Err(Failure::usage("only one argument can be read from standard input"));
            };
            argument(input()?.trim_end_matches(['\n', '\r']), "standard input")?
        } else {
            argument(word, &place)?
        });
    }
    Ok(args)
}

/// One argument: JSON where it is, else text. `place` says where it stands.
pub(super) fn argument(text: &str, place: &str) -> Result<Json, Failure> {
    match serde_json::from_str(text) {
        Ok(value) => Ok(value),
        Err(error) if text.trim_start().starts_with(['{', '[']) => {
            Err(Failure::usage(format!("{place} is broken JSON: {error}")))
        }
        Err(_) => Ok(Json::String(text.to_owned())),
    }
}

/// Reads text up to the bound.
pub(super) fn read_bounded(from: impl Read) -> Result<String, Failure> {
    let mut text = String::new();
    let read = from.take(INPUT_BYTES_MAX + 1).read_to_string(&mut text);
    let bytes =
        read.map_err(|error| Failure::usage(format!("standard input could not be read: {error}")))?;
    if bytes as u64 > INPUT_BYTES_MAX {
        let mib = INPUT_BYTES_MAX / 1024 / 1024;
        return Err(Failure::usage(format!("standard input is larger than {mib} MiB")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(method: &str, words: &[&str]) -> Result<Vec<Json>, String> {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        arguments(method, &words, || Ok("{\"id\": 7}\n".to_owned()))
            .map_err(|failure| failure.line().unwrap())
    }

    #[test]
    fn json_is_json_and_the_rest_is_text() {
        assert_eq!(
            args("m", &["0", "null", "api", "\"0\"", "[1]"]).unwrap(),
            [json!(0), json!(null), json!("api"), json!("0"), json!([1])]
        );
        assert_eq!(args("m", &["-"]).unwrap(), [json!({"id": 7})]);
        assert!(args("m", &["-", "-"]).is_err());
    }

    #[test]
    fn broken_json_is_refused_with_its_place() {
        let said = args("m", &["0", "{\"id\": 1,}"]).unwrap_err();
        assert!(said.contains("argument 2") && said.contains("line 1 column 10"), "{said}");
        assert!(args("m", &[" [1"]).is_err());
    }

    #[test]
    fn nothing_means_an_object_only_where_it_is_ignored() {
        assert_eq!(args("ping", &[]).unwrap(), [json!({})]);
        assert_eq!(args("prepare", &[]).unwrap(), [] as [Json; 0]);
    }

    #[test]
    fn standard_input_has_a_bound() {
        assert!(read_bounded(io::repeat(b'x')).is_err());
        assert!(read_bounded(&b"\xff"[..]).is_err());
        assert_eq!(read_bounded(&b"x"[..]).unwrap(), "x");
    }
}
