//! How the model did on changes that it had not seen, where the artifact says so.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::artifact::Document;
use crate::http::pages::chart;
use crate::http::pages::text::{self, Shown};

/// Size of the square that curves are drawn in.
const SIZE: f64 = 300.0;

/// Curves and figures; empty where nothing was measured.
#[derive(Default)]
pub(super) struct Measured {
    pub(super) capture: Option<Curve>,
    pub(super) calibration: Option<Curve>,
    pub(super) figures: Vec<(Shown, Shown)>,
    pub(super) sides: Sides,
}

/// Figures of several things side by side.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Sides {
    pub(super) columns: Vec<Shown>,
    /// What they are of, and a figure a column.
    pub(super) rows: Vec<(Shown, Vec<String>)>,
}

/// A line in the unit square, and the same as words.
pub(super) struct Curve {
    pub(super) path: String,
    pub(super) points: Vec<(u32, u32)>,
    pub(super) rows: Vec<(String, String)>,
    /// Largest value of both axes.
    pub(super) top: String,
}

/// Reads the metrics of a document: `capture` (percent gated → share caught), `reliability` (bins with
/// `predicted` and `observed`), and plain numbers; those named `what: figure` side by side.
pub(super) fn measured(document: &Document) -> Measured {
    let metrics = &document.metrics;
    let numbers = || metrics.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_f64()?)));
    let alone = numbers().filter(|(name, _)| !name.contains(": "));
    Measured {
        capture: metrics.get("capture").and_then(capture),
        calibration: metrics.get("reliability").and_then(calibration),
        figures: alone.map(|(name, number)| (text::plain(name), Shown::new(&figure(name, number)))).collect(),
        sides: sides(numbers()),
    }
}

fn sides<'a>(numbers: impl Iterator<Item = (&'a str, f64)>) -> Sides {
    let (mut columns, mut rows) = (Vec::new(), BTreeMap::<&str, BTreeMap<&str, f64>>::new());
    for (name, number) in numbers {
        let Some((what, column)) = name.rsplit_once(": ") else { continue };
        if !columns.contains(&column) {
            columns.push(column);
        }
        rows.entry(what).or_default().insert(column, number);
    }
    let cell = |figures: &BTreeMap<&str, f64>, column: &str| {
        figures.get(column).map_or_else(|| "–".to_owned(), |number| figure(column, *number))
    };
    let cells = |figures| columns.iter().map(|column| cell(figures, column)).collect();
    Sides {
        rows: rows.iter().map(|(what, figures)| (Shown::cut(what, 120), cells(figures))).collect(),
        columns: columns.iter().map(|column| Shown::cut(column, 60)).collect(),
    }
}

/// A number as its name says: a count, a share at so many percent, or a figure between 0 and 1.
fn figure(name: &str, number: f64) -> String {
    match number {
        number if name.ends_with('%') => text::percent(number),
        number if number.fract() == 0.0 => format!("{number:.0}"),
        number => format!("{number:.3}"),
    }
}

fn capture(value: &Value) -> Option<Curve> {
    let mut points: Vec<(f64, f64)> = vec![(0.0, 0.0), (1.0, 1.0)];
    for (gated, caught) in value.as_object()? {
        points.push((gated.parse::<f64>().ok()? / 100.0, caught.as_f64()?));
    }
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let inner = points[1..points.len() - 1].iter();
    let rows = inner.map(|(gated, caught)| (text::percent(*gated), text::percent(*caught))).collect();
    (points.len() > 2).then(|| curve(&points, 1.0, rows))
}

fn calibration(value: &Value) -> Option<Curve> {
    let bins =
        value.as_array()?.iter().map(|bin| Some((bin["predicted"].as_f64()?, bin["observed"].as_f64()?)));
    let mut points: Vec<(f64, f64)> = bins.collect::<Option<_>>()?;
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let top = points.iter().fold(0.0_f64, |top, (x, y)| top.max(*x).max(*y));
    let rows =
        points.iter().map(|(predicted, observed)| (text::percent(*predicted), text::percent(*observed)));
    let rows = rows.collect();
    (points.len() > 1 && top > 0.0).then(|| curve(&points, top, rows))
}

fn curve(points: &[(f64, f64)], top: f64, rows: Vec<(String, String)>) -> Curve {
    let scaled: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x / top, y / top)).collect();
    let place = |(x, y): &(f64, f64)| {
        let (x, y) = (x.clamp(0.0, 1.0) * SIZE, (1.0 - y.clamp(0.0, 1.0)) * SIZE);
        (x.round() as u32, y.round() as u32)
    };
    Curve {
        path: chart::path(&scaled, SIZE),
        points: scaled.iter().map(place).collect(),
        rows,
        top: text::percent(top),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn figures_of_several_things_stand_side_by_side() {
        let numbers =
            [("a: ROC-AUC", 0.6604), ("a: caught at 10 %", 0.1818), ("b: ROC-AUC", 1.0), ("n", 3.0)];
        let sides = sides(numbers.into_iter());
        assert_eq!(sides.columns, [Shown::new("ROC-AUC"), Shown::new("caught at 10 %")]);
        let row = |what: &str, cells: [&str; 2]| (Shown::new(what), cells.map(str::to_owned).to_vec());
        assert_eq!(sides.rows, [row("a", ["0.660", "18 %"]), row("b", ["1", "–"])]);
    }

    #[test]
    fn curves_are_drawn_only_from_what_was_measured() {
        let drawn = capture(&json!({"5": 0.16, "10": 0.27, "50": 0.74})).unwrap();
        assert_eq!(drawn.rows[1], ("10 %".into(), "27 %".into()));
        assert_eq!((drawn.points.len(), drawn.points[0], drawn.points[4]), (5, (0, 300), (300, 0)));
        assert!(capture(&json!({})).is_none() && capture(&json!({"x": 1})).is_none());
        let bins = json!([{"n": 9, "predicted": 0.01, "observed": 0.02}, {"n": 9, "predicted": 0.1, "observed": 0.2}]);
        assert_eq!(calibration(&bins).unwrap().top, "20 %");
        assert!(calibration(&json!([])).is_none() && calibration(&json!([{"predicted": null}])).is_none());
    }
}
