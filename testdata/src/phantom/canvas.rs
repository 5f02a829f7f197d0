//! One axial slice while it is painted.

/// Hounsfield units of a square slice, and where the body's compartments are.
pub(crate) struct Canvas {
    pub(crate) side: usize,
    /// Millimetres between pixel centres.
    pub(crate) spacing: f32,
    /// Height of the slice.
    pub(crate) z: f32,
    /// Thickness of the slice: edges that lean are as soft as it makes them.
    pub(crate) thickness: f32,
    pub(crate) hu: Vec<f32>,
    /// Share of each pixel that lies in the cavity of abdomen and chest.
    pub(crate) cavity: Vec<f32>,
    /// Share of each pixel that lies above the diaphragm.
    pub(crate) above: Vec<f32>,
}

/// Where a shape may be painted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Within {
    Everywhere,
    Cavity,
    Abdomen,
    Chest,
}

impl Canvas {
    pub(crate) fn new(side: usize, field_mm: f32, z: f32, thickness: f32) -> Canvas {
        let count = side * side;
        let spacing = field_mm / side as f32;
        Canvas {
            side,
            spacing,
            z,
            thickness,
            hu: vec![-1000.0; count],
            cavity: vec![0.0; count],
            above: vec![0.0; count],
        }
    }

    /// Position of a row or column.
    pub(crate) fn mm(&self, index: usize) -> f32 {
        (index as f32 - (self.side as f32 - 1.0) / 2.0) * self.spacing
    }

    fn index(&self, mm: f32) -> f32 {
        mm / self.spacing + (self.side as f32 - 1.0) / 2.0
    }

    /// Calls `paint` with place, x and y of every pixel in a box.
    pub(crate) fn each_in(
        &mut self,
        [x0, y0, x1, y1]: [f32; 4],
        mut paint: impl FnMut(&mut Canvas, usize, f32, f32),
    ) {
        let clip = |mm: f32, up: f32| (self.index(mm) + up).clamp(0.0, self.side as f32) as usize;
        let (columns, rows) = (clip(x0, -1.0)..clip(x1, 2.0), clip(y0, -1.0)..clip(y1, 2.0));
        for row in rows {
            let y = self.mm(row);
            for column in columns.clone() {
                let x = self.mm(column);
                paint(self, row * self.side + column, x, y);
            }
        }
    }

    /// Lays `hu` over a pixel with a share of `cover`, where the shape may be.
    pub(crate) fn lay(&mut self, at: usize, hu: f32, cover: f32, within: Within) {
        let room = match within {
            Within::Everywhere => 1.0,
            Within::Cavity => self.cavity[at],
            Within::Abdomen => self.cavity[at] * (1.0 - self.above[at]),
            Within::Chest => self.cavity[at] * self.above[at],
        };
        let cover = cover * room;
        self.hu[at] += (hu - self.hu[at]) * cover;
    }

    /// Share of a pixel inside an edge that is `distance` millimetres away, negative inside.
    pub(crate) fn cover(&self, distance: f32) -> f32 {
        (0.5 - distance / (self.spacing * 1.3)).clamp(0.0, 1.0)
    }
}
