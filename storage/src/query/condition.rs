//! One filter as a condition of SQL.

use pacs_core::query::Matching;

use super::columns::{Column, Kind};
use crate::database::{Engine, Param, placeholders};
use crate::dialect;

/// A `where` clause in the making: conditions and the values they are bound to.
#[derive(Debug, Clone)]
pub(crate) struct Conditions {
    pub engine: Engine,
    pub text: Vec<String>,
    pub params: Vec<Param>,
}

impl Conditions {
    pub fn new(engine: Engine) -> Self {
        Self { engine, text: Vec::new(), params: Vec::new() }
    }

    /// The placeholder of a value.
    pub fn bind(&mut self, value: impl Into<Param>) -> String {
        self.params.push(value.into());
        format!("${}", self.params.len())
    }

    /// The placeholders of a list of values.
    pub fn bind_all<T: Into<Param>>(&mut self, values: impl IntoIterator<Item = T>) -> String {
        let first = self.params.len() + 1;
        self.params.extend(values.into_iter().map(Into::into));
        placeholders(first, self.params.len() + 1 - first)
    }

    /// Adds a condition.
    pub fn push(&mut self, condition: String) {
        self.text.push(condition);
    }

    /// ` where a and b`, or nothing.
    pub fn clause(&self) -> String {
        if self.text.is_empty() { String::new() } else { format!(" where {}", self.text.join(" and ")) }
    }

    /// The condition that a column fulfils a filter, not added: a part of a larger one.
    pub fn one(&mut self, column: &Column, matching: &Matching) -> String {
        let before = self.text.len();
        self.matching(column, matching);
        self.text.split_off(before).join(" and ")
    }

    /// Adds the condition that a column fulfils a filter.
    pub fn matching(&mut self, column: &Column, matching: &Matching) {
        let sql = column.sql;
        match (column.kind, matching) {
            (Kind::Number | Kind::Count, Matching::Empty) => self.push(format!("{sql} is null")),
            (_, Matching::Empty) => self.push(format!("({sql} is null or {sql} = '')")),
            (_, Matching::AnyOf(alternatives)) => {
                let any: Vec<String> = alternatives.iter().map(|one| self.one(column, one)).collect();
                self.push(format!("({})", any.join(" or ")));
            }
            (_, Matching::Uids(uids)) => match column.kind {
                Kind::List => {
                    let any: Vec<String> =
                        uids.iter().map(|uid| self.member(sql, &literal(uid.as_str()))).collect();
                    self.push(format!("({})", any.join(" or ")));
                }
                _ => {
                    let list = self.bind_all(uids.iter());
                    self.push(format!("{sql} in ({list})"));
                }
            },
            (Kind::List, Matching::Single(value)) => {
                let member = self.member(sql, &literal(value));
                self.push(member);
            }
            // One value at a time: a wildcard does not stand for the end of one and the beginning of the next.
            (Kind::List, Matching::Wildcard(pattern)) => {
                let bound = self.bind(dialect::pattern(self.engine, &wildcards(pattern)));
                let (values, matches) = (dialect::values_of(self.engine, sql), dialect::matches(self.engine));
                self.push(format!("exists (select 1 from {values} where one.value {matches} {bound})"));
            }
            (Kind::Number, Matching::Single(value)) => match value.parse::<i64>() {
                Ok(number) => {
                    let bound = self.bind(number);
                    self.push(format!("{sql} = {bound}"));
                }
                Err(_) => self.push("1 = 0".into()),
            },
            (Kind::Time, Matching::Single(value)) => self.range(sql, Some(value), Some(value), true),
            (Kind::Date | Kind::Day(_) | Kind::Text | Kind::Uid, Matching::Single(value)) => {
                let bound = self.bind(value.as_str());
                self.push(format!("{sql} = {bound}"));
            }
            (kind, Matching::Range { from, to }) => {
                self.range(sql, from.as_deref(), to.as_deref(), kind == Kind::Time);
            }
            (Kind::Day(time), Matching::Period { from, to }) => {
                self.period(sql, time, from.as_ref(), to.as_ref());
            }
            (Kind::Text | Kind::Uid, Matching::Wildcard(pattern)) => self.wildcard(sql, pattern),
            (Kind::Name(folded), Matching::Name(name)) => self.name(folded, name),
            (Kind::Name(_), Matching::Single(value)) => {
                let bound = self.bind(value.as_str());
                self.push(format!("{sql} = {bound}"));
            }
            // A pattern where only a value has a meaning matches nothing rather than everything.
            _ => self.push("1 = 0".into()),
        }
    }

    /// Both bounds are included; the upper one of a time covers all times that begin with it.
    fn range(&mut self, sql: &str, from: Option<&str>, to: Option<&str>, is_time: bool) {
        if let Some(from) = from {
            let bound = self.bind(from);
            self.push(format!("{sql} >= {bound}"));
        }
        if let Some(to) = to {
            let bound = if is_time { self.bind(format!("{to}~")) } else { self.bind(to) };
            self.push(format!("{sql} <= {bound}"));
        }
    }

    /// Bounds on the date, for an index, and on date and time together. What has no time was at the beginning of its
    /// day.
    fn period(
        &mut self,
        date: &str,
        time: &str,
        from: Option<&(String, String)>,
        to: Option<&(String, String)>,
    ) {
        self.range(date, from.map(|(date, _)| date.as_str()), to.map(|(date, _)| date.as_str()), false);
        for (end, comparison) in [(from, ">="), (to, "<=")] {
            let Some((day, clock)) = end.filter(|(_, clock)| !clock.is_empty()) else { continue };
            let day = self.bind(day.as_str());
            let clock = self.bind(if comparison == "<=" { format!("{clock}~") } else { clock.clone() });
            self.push(format!("({date}, coalesce({time}, '')) {comparison} ({day}, {clock})"));
        }
    }

    /// `*` and `?` over the letters as they are, with the range of the literal beginning for an
    /// index.
    fn wildcard(&mut self, sql: &str, pattern: &str) {
        let beginning: String = pattern.chars().take_while(|c| !matches!(c, '*' | '?')).collect();
        self.beginning(sql, &beginning);
        let bound = self.bind(dialect::pattern(self.engine, &wildcards(pattern)));
        self.push(format!("{sql} {} {bound}", dialect::matches(self.engine)));
    }

    /// The range of the texts that begin so.
    pub fn beginning(&mut self, sql: &str, beginning: &str) {
        if let Some(after) = dialect::after_prefix(beginning) {
            let (from, to) = (self.bind(beginning), self.bind(after));
            self.push(format!("{sql} >= {from} and {sql} < {to}"));
        }
    }

    /// A folded name against a pattern, or against words in whatever order. Stored names have a
    /// space at either end.
    pub fn name(&mut self, folded: &str, name: &pacs_core::query::NamePattern) {
        if name.wildcard {
            let mut pieces = vec![Piece::Literal(' ')];
            pieces.extend(wildcards(&name.pattern));
            pieces.push(Piece::Literal(' '));
            let bound = self.bind(dialect::pattern(self.engine, &pieces));
            self.push(format!("{folded} {} {bound}", dialect::matches(self.engine)));
            return;
        }
        for word in &name.words {
            self.word(folded, word, false);
        }
    }

    /// A folded name that has a word, or one that begins so.
    pub fn word(&mut self, folded: &str, word: &str, beginning: bool) {
        let after = if beginning { "" } else { " " };
        let bound = self.bind(format!(" {word}{after}"));
        self.push(dialect::contains(self.engine, folded, &bound));
    }

    fn member(&mut self, sql: &str, value: &[Piece]) -> String {
        let mut pieces = vec![Piece::Many, Piece::Literal('\\')];
        pieces.extend_from_slice(value);
        pieces.extend([Piece::Literal('\\'), Piece::Many]);
        let bound = self.bind(dialect::pattern(self.engine, &pieces));
        format!("{sql} {} {bound}", dialect::matches(self.engine))
    }
}

pub(super) use crate::dialect::Piece;

/// A text with `*` and `?` as a pattern.
fn wildcards(text: &str) -> Vec<Piece> {
    text.chars()
        .map(|c| match c {
            '*' => Piece::Many,
            '?' => Piece::One,
            c => Piece::Literal(c),
        })
        .collect()
}

fn literal(text: &str) -> Vec<Piece> {
    text.chars().map(Piece::Literal).collect()
}
