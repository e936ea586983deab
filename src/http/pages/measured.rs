//! How the model did on changes that it had not seen, where the artifact says so.

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
/// `predicted` and `observed`), and plain numbers.
pub(super) fn measured(document: &Document) -> Measured {
    let metrics = &document.metrics;
    let figures = metrics.iter().filter_map(|(name, value)| {
        let number = value.as_f64()?;
        let shown = if number.fract() == 0.0 { format!("{number:.0}") } else { format!("{number:.4}") };
        Some((text::plain(name), Shown::new(&shown)))
    });
    Measured {
        capture: metrics.get("capture").and_then(capture),
        calibration: metrics.get("reliability").and_then(calibration),
        figures: figures.collect(),
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
