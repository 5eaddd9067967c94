//! What the process itself declares: metrics, actions, the settings of a module.

use serde_json::{Map, Value as Json, json};

use super::{Entries, Section, Source, one_line, says_something};
use crate::protocol::redact::{self, is_secret_name};
use crate::protocol::text::clean;

/// A metric that the process reports.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Its name, cleaned.
    pub name: Box<str>,
    /// Its value as it was sent, cleaned: `5.30`.
    pub value: Box<str>,
    /// The value as a number, where it is one.
    pub number: Option<f64>,
    /// Its unit, cleaned; empty where it has none.
    pub unit: Box<str>,
    /// Whether its course is of interest (`historic`).
    pub is_historic: bool,
    /// Whether PM2's own library reports it, rather than the app.
    pub is_internal: bool,
}

impl Metric {
    /// Value and unit: `5.30 MiB`.
    #[must_use]
    pub fn text(&self) -> String {
        if self.unit.is_empty() {
            self.value.to_string()
        } else {
            format!("{} {}", self.value, self.unit)
        }
    }

    pub(super) fn to_json(&self) -> Json {
        let value = self.number.map_or_else(|| json!(self.value), |number| json!(number));
        let unit = Some(&*self.unit).filter(|unit| !unit.is_empty());
        json!({ "name": self.name, "value": value, "unit": unit })
    }
}

/// An action that the process declares, to be triggered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredAction {
    /// Its name, as it is triggered.
    pub name: Box<str>,
    /// Whether it takes parameters.
    pub takes_parameters: bool,
    /// Whether it answers in pieces (`scoped`).
    pub is_scoped: bool,
    /// Whether it is one of PM2's own library, rather than of the app.
    pub is_internal: bool,
    /// What its author says of it, cleaned; empty where that is nothing.
    pub comment: Box<str>,
}

impl DeclaredAction {
    pub(super) fn to_json(&self) -> Json {
        json!({ "name": self.name, "takes_parameters": self.takes_parameters })
    }
}

/// `axm_monitor`.
pub(super) fn metrics(env: &Map<String, Json>) -> Vec<Metric> {
    let metrics = env.get("axm_monitor").and_then(Json::as_object).into_iter().flatten();
    metrics.map(|(name, metric)| metric_of(name, metric)).collect()
}

/// An object with `value`; old libraries send the bare value.
fn metric_of(name: &str, metric: &Json) -> Metric {
    let value =
        metric.get("value").unwrap_or(if metric.is_object() { &Json::Null } else { metric });
    let text = |key: &str| metric.get(key).and_then(Json::as_str).unwrap_or_default();
    let shown = if value.is_null() { "-".to_owned() } else { one_line(value) };
    Metric {
        name: clean(name).into(),
        number: value.as_f64().or_else(|| shown.parse().ok()).filter(|number| number.is_finite()),
        value: shown.into(),
        unit: clean(text("unit")).into(),
        is_historic: metric.get("historic").and_then(Json::as_bool).unwrap_or(true),
        is_internal: text("type").starts_with("internal/"),
    }
}

/// `axm_actions`.
pub(super) fn actions(env: &Map<String, Json>) -> Vec<DeclaredAction> {
    let actions = env.get("axm_actions").and_then(Json::as_array).into_iter().flatten();
    let named = actions.filter_map(|action| {
        let name = action.get("action_name").and_then(Json::as_str)?;
        let kind = action.get("action_type").and_then(Json::as_str).unwrap_or_default();
        let comment = action.get("opts").and_then(|opts| opts.get("comment")?.as_str());
        Some(DeclaredAction {
            name: name.into(),
            // The last one is where it answers.
            takes_parameters: action.get("arity").and_then(Json::as_u64).is_some_and(|it| it > 1),
            is_scoped: kind == "scoped",
            is_internal: kind == "internal",
            comment: clean(comment.unwrap_or_default()).into(),
        })
    });
    named.collect()
}

/// What a module says of itself, and its settings.
pub(super) fn module(source: &Source<'_>) -> Section {
    let mut entries = Entries::default();
    let options = source.field("axm_options").and_then(Json::as_object);
    let info = options.and_then(|options| options.get("human_info")?.as_array());
    let settings = options.and_then(|options| options.get("module_conf")?.as_object());
    let pairs = info.into_iter().flatten().filter_map(|pair| {
        let name = pair.get(0).and_then(Json::as_str)?;
        Some(format!("{}: {}", clean(name), one_line(pair.get(1)?)))
    });
    let told: Vec<String> = pairs.collect();
    if !told.is_empty() {
        entries.push("human_info", "says of itself", told.join(", "), json!(told));
    }
    if let Some(settings) = settings.filter(|settings| !settings.is_empty()) {
        let shown =
            settings.iter().filter(|(_, value)| says_something(value)).map(|(name, value)| {
                let value =
                    if is_secret_name(name) { redact::MASK.to_owned() } else { one_line(value) };
                format!("{}={value}", clean(name))
            });
        let text = shown.collect::<Vec<_>>().join(", ");
        let data = redact::without_secrets(Json::Object(settings.clone()));
        entries.push("module_conf", "settings", text, data);
    }
    entries.into_section("module", "Module")
}
