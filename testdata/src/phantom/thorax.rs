//! Lungs, heart and great vessels.

use super::anatomy::Anatomy;
use super::cage::spine_front;
use super::canvas::{Canvas, Within};
use super::field::{smoothstep, value_noise};
use super::shape::{Blob, Tube};
use super::tree::{Growth, grow};

/// Everything above the diaphragm, made once for a volume.
pub(crate) struct Thorax {
    space: Vec<Blob>,
    column: [Blob; 2],
    heart: Blob,
    chambers: Vec<Blob>,
    vessels: Vec<Tube>,
    lung_vessels: Vec<Tube>,
    airways: Vec<Tube>,
    gullet: Tube,
    nodule: Blob,
    noise: u32,
}

impl Thorax {
    pub(crate) fn of(body: &Anatomy) -> Thorax {
        let s = |organ, most| body.shift(organ, most);
        let front = |z: f32| spine_front(body, z);
        let heart = Blob::new([24.0 + s(20, 4.0), -34.0, 262.0], [58.0, 43.0, 52.0])
            .turned(0.55)
            .leaning(-0.22, 0.08)
            .full(2.4)
            .waved([(2.0, 0.05, 0.5), (3.0, 0.04, 2.0), (1.0, 0.03, 0.0)]);
        let chambers = vec![
            Blob::new([44.0, -36.0, 252.0], [22.0, 19.0, 34.0]).turned(0.6),
            Blob::new([8.0, -52.0, 256.0], [26.0, 17.0, 32.0]).turned(0.3),
            Blob::new([-16.0, -30.0, 270.0], [19.0, 22.0, 26.0]),
            Blob::new([14.0, -6.0, 284.0], [25.0, 13.0, 20.0]),
        ];
        let descending = front(300.0) - 6.0;
        let vessels = vec![
            // Ascending aorta, arch, descending aorta.
            Tube::through(&[
                [6.0, -36.0, 286.0, 15.0],
                [-12.0, -40.0, 316.0, 15.5],
                [-4.0, -26.0, 346.0, 14.5],
                [14.0, 2.0, 352.0, 13.0],
                [22.0, descending - 2.0, 334.0, 12.5],
                [20.0, descending, 290.0, 12.0],
                [9.0, front(240.0) - 2.0, 232.0, 11.5],
            ]),
            // Pulmonary trunk and its two branches.
            Tube::through(&[
                [22.0, -52.0, 286.0, 14.0],
                [24.0, -38.0, 312.0, 13.5],
                [34.0, -12.0, 318.0, 11.0],
                [48.0, 2.0, 312.0, 9.0],
            ]),
            Tube::through(&[
                [22.0, -36.0, 312.0, 11.5],
                [-4.0, -20.0, 310.0, 11.0],
                [-38.0, -8.0, 304.0, 9.0],
            ]),
            // Superior vena cava with the brachiocephalic veins.
            Tube::through(&[
                [-24.0, -34.0, 280.0, 10.0],
                [-26.0, -34.0, 330.0, 9.5],
                [-26.0, -34.0, 368.0, 8.0],
                [-36.0, -28.0, 400.0, 6.5],
            ]),
            Tube::through(&[
                [-24.0, -38.0, 358.0, 7.5],
                [10.0, -44.0, 366.0, 7.0],
                [36.0, -30.0, 386.0, 6.5],
            ]),
            // Arteries of the neck and arms.
            Tube::through(&[
                [-8.0, -24.0, 356.0, 6.5],
                [-20.0, -14.0, 384.0, 6.0],
                [-30.0, -4.0, 430.0, 4.5],
            ]),
            Tube::through(&[[6.0, -14.0, 360.0, 4.5], [12.0, -10.0, 390.0, 4.2], [20.0, -8.0, 430.0, 4.0]]),
            Tube::through(&[[16.0, 0.0, 360.0, 5.0], [26.0, 2.0, 392.0, 4.8], [50.0, 2.0, 420.0, 4.5]]),
            // Pulmonary veins.
            Tube::through(&[[14.0, -4.0, 282.0, 8.0], [-20.0, 0.0, 280.0, 6.5], [-40.0, 4.0, 276.0, 5.5]]),
            Tube::through(&[[14.0, -4.0, 286.0, 8.0], [40.0, 4.0, 284.0, 6.0], [52.0, 8.0, 280.0, 5.0]]),
        ];
        let in_lung = |side: f32| {
            move |p: [f32; 3]| {
                let [wide, deep, middle] = body.cavity(p[2]);
                let (u, v) = (p[0] / (wide - 3.0).max(1.0), (p[1] - middle) / (deep - 3.0).max(1.0));
                let free = if p[1] < 0.0 { 26.0 } else { 20.0 };
                u * u + v * v < 1.0
                    && p[0] * side > free
                    && p[2] > body.diaphragm(p[0], p[1]) + 1.0
                    && p[2] < 424.0
            }
        };
        let growth = Growth { thinnest: 0.4, length: 8.2, spread: 0.55 };
        let mut lung_vessels = Vec::new();
        for (side, number) in [(-1.0f32, 100u64), (1.0, 200)] {
            let roots = [
                ([0.75, -0.3, 0.6], 5.2, 6.0),
                ([0.7, 0.45, 0.45], 5.0, 0.0),
                ([0.85, -0.5, -0.15], 5.0, -8.0),
                ([0.7, 0.35, -0.6], 5.6, -14.0),
                ([0.35, -0.15, -0.9], 5.2, -16.0),
                ([0.25, 0.1, 0.95], 4.4, 12.0),
            ];
            for (n, (direction, radius, up)) in roots.into_iter().enumerate() {
                let root = [side * 46.0, 0.0, 304.0 + up, radius];
                let direction = [side * direction[0], direction[1], direction[2]];
                let tree = grow(body.seed, number + n as u64, root, direction, &growth, in_lung(side));
                lung_vessels.extend(tree.into_iter().map(|(_, tube)| tube));
            }
        }
        let mut airways = vec![
            Tube::through(&[[0.0, -12.0, 500.0, 8.5], [0.0, 2.0, 390.0, 8.5], [-2.0, 8.0, 334.0, 8.8]]),
            Tube::through(&[[-3.0, 8.0, 336.0, 7.5], [-22.0, 8.0, 318.0, 7.0], [-44.0, 6.0, 304.0, 5.5]]),
            Tube::through(&[[0.0, 8.0, 336.0, 7.0], [24.0, 10.0, 316.0, 6.2], [46.0, 10.0, 304.0, 5.0]]),
        ];
        let airway_growth = Growth { thinnest: 1.5, length: 7.0, spread: 0.6 };
        for (side, number) in [(-1.0f32, 300u64), (1.0, 400)] {
            for (n, direction) in
                [[0.7, -0.2, 0.7], [0.75, -0.4, -0.2], [0.5, 0.25, -0.8]].into_iter().enumerate()
            {
                let root = [side * 46.0, 8.0, 304.0, 3.6];
                let direction = [side * direction[0], direction[1], direction[2]];
                let tree = grow(body.seed, number + n as u64, root, direction, &airway_growth, in_lung(side));
                airways.extend(tree.into_iter().filter(|(level, _)| *level < 5).map(|(_, tube)| tube));
            }
        }
        let nodule_radius = 7.5 * body.growth.sqrt();
        Thorax {
            space: vec![
                Blob::new([4.0, -20.0, 330.0], [40.0, 62.0, 130.0]).full(5.0).waved([
                    (2.0, 0.10, 1.57),
                    (3.0, 0.05, 0.0),
                    (1.0, 0.0, 0.0),
                ]),
                Blob::new([6.0, 26.0, 300.0], [31.0, 30.0, 190.0]).full(6.0),
                heart.grown(5.0),
                Blob::new([36.0, -52.0, 236.0], [26.0, 22.0, 24.0]),
            ],
            column: [
                Blob::new([2.0, -14.0, 330.0], [16.0, 62.0, 130.0]).full(5.0),
                Blob::new([1.0, 34.0, 300.0], [24.0, 32.0, 190.0]).full(6.0),
            ],
            heart,
            chambers,
            vessels,
            lung_vessels,
            airways,
            gullet: Tube::through(&[
                [2.0, 14.0, 440.0, 6.0],
                [4.0, 20.0, 340.0, 6.5],
                [4.0, 18.0, 290.0, 7.0],
                [14.0, 8.0, 246.0, 7.5],
                [32.0, 2.0, 230.0, 8.5],
            ]),
            nodule: Blob::new(
                [-72.0 + s(24, 10.0), -12.0 + s(25, 18.0), 352.0 + s(26, 12.0)],
                [nodule_radius, nodule_radius * 0.9, nodule_radius],
            )
            .waved([(5.0, 0.12, 0.0), (9.0, 0.10, 1.0), (3.0, 0.08, 2.0)]),
            noise: body.seed as u32 ^ 0x5a5a,
        }
    }

    /// Vessels within the lungs and the great ones, for projections.
    pub(crate) fn blood(&self) -> impl Iterator<Item = &Tube> {
        self.lung_vessels.iter().chain(&self.vessels)
    }

    /// Trachea and main bronchi.
    pub(crate) fn main_airways(&self) -> &[Tube] {
        &self.airways[..3]
    }

    /// Whether a point above the diaphragm is heart or in front of the spine, not lung.
    pub(crate) fn is_middle(&self, point: [f32; 3]) -> bool {
        self.heart.holds(point) || self.column.iter().any(|part| part.holds(point))
    }

    /// The nodule of the right lung.
    pub(crate) fn nodule(&self) -> &Blob {
        &self.nodule
    }

    pub(crate) fn paint(&self, canvas: &mut Canvas, body: &Anatomy) {
        let (z, noise) = (canvas.z, self.noise);
        let [wide, deep, middle] = body.cavity(z);
        if z < 120.0 {
            return;
        }
        canvas.each_in(
            [-wide - 2.0, middle - deep - 2.0, wide + 2.0, middle + deep + 2.0],
            |canvas, at, x, y| {
                // Blood sinks: the lung of a lying patient is denser in the back.
                let sunk = 46.0 * smoothstep(0.0, deep, y - middle);
                let lobules = 16.0 * value_noise(noise, [x / 7.0, y / 7.0, z / 7.0])
                    + 14.0 * value_noise(noise ^ 2, [x / 2.6, y / 2.6, z / 2.6]);
                let fissure_height =
                    if x < 0.0 { 286.0 - 0.85 * (y + 10.0) } else { 292.0 - 0.95 * (y + 6.0) };
                let bent = 5.0 * value_noise(noise ^ 4, [x / 34.0, y / 34.0, z / 60.0]);
                let oblique = (z - fissure_height - bent).abs() < 1.1;
                let minor = x < -30.0
                    && y < -4.0
                    && (z - 306.0 - 3.0 * value_noise(noise ^ 5, [x / 30.0, y / 30.0, 0.0])).abs() < 1.0;
                let hu = -872.0 + sunk + lobules + if oblique || minor { 85.0 } else { 0.0 };
                canvas.lay(at, hu, 1.0, Within::Chest);
            },
        );
        for vessel in &self.lung_vessels {
            vessel.fill(canvas, Within::Chest, 28.0);
        }
        self.nodule.paint(canvas, Within::Chest, |x, y| {
            32.0 + 12.0 * value_noise(noise ^ 8, [x / 3.0, y / 3.0, z / 3.0])
        });
        for space in &self.space {
            space.paint(canvas, Within::Chest, |x, y| {
                -92.0 + 10.0 * value_noise(noise ^ 9, [x / 9.0, y / 9.0, z / 9.0])
            });
        }
        for airway in &self.airways {
            airway.paint(canvas, Within::Cavity, |_, _, wall| Some(if wall > -1.2 { 20.0 } else { -985.0 }));
        }
        self.gullet.paint(canvas, Within::Cavity, |_, _, wall| Some(if wall < -4.6 { -420.0 } else { 40.0 }));
        self.heart.grown(1.6).paint(canvas, Within::Cavity, |_, _| 24.0);
        self.heart.paint(canvas, Within::Chest, |_, _| -55.0);
        self.heart.grown(-2.6).paint(canvas, Within::Chest, |_, _| body.hu(46.0, 105.0));
        for chamber in &self.chambers {
            chamber.paint(canvas, Within::Chest, |_, _| body.hu(40.0, 162.0));
        }
        for (n, vessel) in self.vessels.iter().enumerate() {
            vessel.paint(canvas, Within::Cavity, |x, y, wall| {
                let plaque =
                    n == 0 && wall > -1.0 && value_noise(noise ^ 12, [x / 5.0, y / 5.0, z / 5.0]) > 0.62;
                Some(if plaque { 480.0 } else { body.hu(41.0, 165.0) })
            });
        }
        for side in [-1.0f32, 1.0] {
            Blob::new([side * 17.0, -14.0, 428.0], [9.0, 10.0, 22.0]).paint(
                canvas,
                Within::Everywhere,
                |_, _| body.hu(105.0, 150.0),
            );
        }
    }
}
