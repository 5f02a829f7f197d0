//! Polygons by the even-odd rule: where a row is inside.

/// The sides of a polygon, looked at row by row from the top: each is taken up and put down once, so that many corners
/// on a large image cost little more than few.
pub(super) struct Outline {
    /// Sides that begin further down, the next one last.
    waiting: Vec<Side>,
    /// Sides that the row crosses, in the order of the row before.
    crossed: Vec<Side>,
    crossings: Vec<f64>,
}

/// From its upper to its lower end: a row on the lower one is not crossed, or corners would count twice.
#[derive(Clone, Copy)]
struct Side {
    top: [f64; 2],
    bottom: [f64; 2],
    /// Where the row crosses it.
    crossing: f64,
}

impl Outline {
    /// The corners have to be finite.
    pub(super) fn of(polygon: &[[f64; 2]]) -> Outline {
        let ends = polygon.iter().skip(1).chain(polygon.first());
        let sides = polygon.iter().zip(ends).map(|(one, other)| {
            let (top, bottom) = if one[1] <= other[1] { (*one, *other) } else { (*other, *one) };
            Side { top, bottom, crossing: top[0] }
        });
        let mut waiting: Vec<Side> = sides.filter(|side| side.top[1] < side.bottom[1]).collect();
        waiting.sort_by(|one, other| other.top[1].total_cmp(&one.top[1]));
        Outline { waiting, crossed: Vec::new(), crossings: Vec::new() }
    }

    /// Where a row, further down than the one before, crosses the sides, in order: open between each pair.
    pub(super) fn crossings(&mut self, row: f64) -> &[f64] {
        while let Some(side) = self.waiting.pop_if(|side| side.top[1] <= row) {
            self.crossed.push(side);
        }
        self.crossed.retain(|side| row < side.bottom[1]);
        for Side { top: [x1, y1], bottom: [x2, y2], crossing } in &mut self.crossed {
            *crossing = *x1 + (row - *y1) / (*y2 - *y1) * (*x2 - *x1);
        }
        // Nearly in order already, since sides seldom change places.
        self.crossed.sort_by(|one, other| one.crossing.total_cmp(&other.crossing));
        self.crossings.clear();
        self.crossings.extend(self.crossed.iter().map(|side| side.crossing));
        &self.crossings
    }
}
