//! What lies in the belly.

use super::anatomy::Anatomy;
use super::cage::spine_front;
use super::canvas::{Canvas, Within};
use super::field::{smoothstep, value_noise};
use super::shape::{Blob, Tube};
use super::tree::{Growth, grow};
use crate::random::stream;
use rand::RngExt;

/// Everything below the diaphragm, made once for a volume.
pub(crate) struct Abdomen {
    liver: Vec<Blob>,
    fissure: Blob,
    lesions: Vec<Blob>,
    gallbladder: Blob,
    spleen: Blob,
    kidneys: [Blob; 2],
    cyst: Blob,
    pancreas: Tube,
    stomach: Tube,
    duodenum: Tube,
    colon: Tube,
    loops: Vec<Tube>,
    hepatic: Vec<(f32, Tube)>,
    arteries: Vec<Tube>,
    veins: Vec<Tube>,
    renal: Vec<Tube>,
    noise: u32,
}

impl Abdomen {
    pub(crate) fn of(body: &Anatomy) -> Abdomen {
        let s = |organ, most| body.shift(organ, most);
        let front = |z: f32| spine_front(body, z);
        let liver = vec![
            Blob::new([-64.0 + s(0, 4.0), -4.0, 178.0], [84.0, 80.0, 104.0])
                .leaning(0.30, 0.10)
                .full(1.75)
                .waved([(2.0, 0.06, 2.6), (3.0, 0.05, 0.5), (5.0, 0.012, 1.0)]),
            Blob::new([4.0 + s(1, 5.0), -48.0, 196.0], [66.0, 28.0, 52.0]).turned(-0.12).waved([
                (2.0, 0.05, 0.0),
                (3.0, 0.05, 2.0),
                (1.0, 0.03, 0.0),
            ]),
            Blob::new([-12.0, 12.0, 192.0], [19.0, 13.0, 28.0]).turned(0.3),
        ];
        let mut random = stream(body.seed, "lesions", 0);
        let mut lesions: Vec<Blob> = (0..random.random_range(0..3))
            .map(|_| {
                let r = random.random_range(3.0..7.0);
                Blob::new(
                    [
                        random.random_range(-105.0..-45.0),
                        random.random_range(-45.0..35.0),
                        random.random_range(140.0..215.0),
                    ],
                    [r; 3],
                )
            })
            .collect();
        let grown = 15.0 * body.growth.sqrt();
        lesions.insert(
            0,
            Blob::new(
                [-88.0 + s(2, 8.0), 8.0 + s(3, 10.0), 188.0 + s(4, 10.0)],
                [grown, grown * 0.92, grown],
            )
            .waved([(3.0, 0.07, 0.3), (5.0, 0.05, 1.0), (7.0, 0.03, 2.0)]),
        );
        let kidney = |side: f32, z: f32, organ: usize| {
            Blob::new(
                [side * (60.0 + s(organ, 3.0)) * body.width, front(z) + 9.0 + s(organ + 1, 3.0), z],
                [29.0, 23.5, 54.0],
            )
            .leaning(-side * 0.20, 0.16)
            .turned(side * 0.62)
            .waved([(2.0, 0.05, 0.0), (3.0, 0.03, 0.8), (5.0, 0.02, 0.0)])
        };
        let kidneys = [kidney(-1.0, 92.0 + s(5, 6.0), 5), kidney(1.0, 104.0 + s(7, 6.0), 7)];
        let point = |x: f32, y: f32, z: f32, r: f32| [x * body.width, y * body.depth, z, r];
        let inside_liver = |p: [f32; 3]| {
            let (u, v, w) = ((p[0] + 62.0) / 82.0, (p[1] + 6.0) / 66.0, (p[2] - 172.0) / 78.0);
            u * u + v * v + w * w < 1.0
        };
        let growth = Growth { thinnest: 1.1, length: 10.5, spread: 0.62 };
        let mut hepatic: Vec<(f32, Tube)> = Vec::new();
        for (n, (root, direction)) in [
            ([-30.0, 2.0, 168.0, 7.5], [-0.9, -0.1, 0.25]),
            ([-32.0, -6.0, 174.0, 6.0], [-0.7, -0.6, 0.1]),
            ([-26.0, -16.0, 178.0, 5.2], [0.3, -0.8, 0.4]),
        ]
        .into_iter()
        .enumerate()
        {
            hepatic.extend(
                grow(body.seed, n as u64, root, direction, &growth, inside_liver)
                    .into_iter()
                    .map(|(_, tube)| (body.hu(44.0, 172.0), tube)),
            );
        }
        for (n, direction) in
            [[-0.85, 0.35, -0.35], [-0.6, -0.6, -0.4], [0.05, -0.9, -0.3]].into_iter().enumerate()
        {
            let root = [-26.0, 4.0, 232.0, 6.5];
            hepatic.extend(
                grow(body.seed, 10 + n as u64, root, direction, &growth, inside_liver)
                    .into_iter()
                    .map(|(_, tube)| (body.hu(42.0, 158.0), tube)),
            );
        }
        let vessel_y = |z: f32| front(z) - 11.0;
        let aorta = Tube::through(&[
            [8.0, vessel_y(262.0) + 16.0, 262.0, 11.5],
            [6.0, vessel_y(200.0), 200.0, 11.0],
            [5.0, vessel_y(120.0), 120.0, 9.6],
            [4.0, vessel_y(50.0), 50.0, 8.6],
            [3.0, vessel_y(2.0), 2.0, 8.4],
        ]);
        let iliac = |side: f32, r: f32, offset: f32| {
            Tube::through(&[
                [offset, vessel_y(2.0), 4.0, r],
                [side * 22.0 + offset, vessel_y(-20.0) + 8.0, -26.0, r - 0.6],
                [side * 40.0 + offset, vessel_y(-50.0) + 16.0, -75.0, r - 1.0],
            ])
        };
        let cava = Tube::through(&[
            [-24.0, 4.0, 250.0, 12.0],
            [-25.0, vessel_y(205.0) + 2.0, 205.0, 12.5],
            [-23.0, vessel_y(140.0) + 1.0, 140.0, 11.5],
            [-21.0, vessel_y(60.0) + 1.0, 60.0, 10.0],
            [-19.0, vessel_y(-4.0) + 3.0, -4.0, 10.0],
        ]);
        let mesenteric = |x: f32, r: f32| {
            Tube::through(&[
                [x * 0.3, vessel_y(140.0) - 10.0, 140.0, r],
                [x, vessel_y(118.0) - 22.0, 118.0, r],
                [x * 1.2, vessel_y(60.0) - 34.0, 60.0, r * 0.85],
                [x * 0.6 - 12.0, -40.0, 10.0, r * 0.6],
            ])
        };
        let renal = [-1.0f32, 1.0]
            .into_iter()
            .zip(&kidneys)
            .flat_map(|(side, kidney)| {
                let z = kidney.centre[2];
                let hilum = [kidney.centre[0] - side * 16.0, kidney.centre[1] - 8.0, z, 4.2];
                let ureter = [
                    [kidney.centre[0] - side * 20.0, kidney.centre[1] - 4.0, z - 8.0, 3.0],
                    [side * 42.0, front(50.0) + 3.0, 50.0, 2.2],
                    [side * 34.0, front(-10.0), -10.0, 2.0],
                    [side * 48.0, front(-60.0) + 14.0, -70.0, 2.0],
                ];
                [
                    Tube::through(&[[side * 8.0 - 4.0, vessel_y(z) + 4.0, z + 4.0, 4.4], hilum]),
                    Tube::through(&ureter),
                ]
            })
            .collect();
        let mut random = stream(body.seed, "bowel", 0);
        let loops = (0..17)
            .map(|_| {
                let (cx, cy, cz) = (
                    random.random_range(-58.0..58.0),
                    random.random_range(-58.0..-14.0),
                    random.random_range(-70.0..112.0),
                );
                let r = random.random_range(9.0..13.0);
                let controls: Vec<[f32; 4]> = (0..5)
                    .map(|n| {
                        let swing = if n % 2 == 0 { 22.0 } else { -22.0 };
                        point(
                            cx + (n as f32 - 2.0) * 13.0,
                            cy + swing * random.random_range(0.2..0.7),
                            cz + random.random_range(-15.0..15.0),
                            r,
                        )
                    })
                    .collect();
                Tube::through(&controls)
            })
            .collect();
        Abdomen {
            liver,
            fissure: Blob::new([-16.0, -34.0, 178.0], [2.4, 26.0, 40.0]).turned(0.35),
            lesions,
            gallbladder: Blob::new([-46.0 + s(9, 6.0), -50.0, 112.0 + s(10, 6.0)], [14.0, 16.0, 34.0])
                .leaning(0.2, 0.25)
                .turned(0.4),
            spleen: Blob::new([96.0 * body.width, 32.0 + s(11, 4.0), 186.0], [27.0, 49.0, 52.0])
                .turned(-0.5)
                .leaning(-0.12, 0.14)
                .waved([(2.0, 0.10, 1.2), (3.0, 0.07, 0.6), (6.0, 0.02, 0.0)]),
            cyst: {
                let from = &kidneys[1];
                Blob::new(
                    [from.centre[0] + 24.0, from.centre[1] + 8.0, from.centre[2] - 18.0],
                    [10.0, 9.5, 10.0],
                )
            },
            kidneys,
            pancreas: Tube::through(&[
                point(-34.0, -16.0, 112.0, 12.0),
                point(-24.0, -24.0, 132.0, 12.5),
                point(4.0, -30.0, 148.0, 9.0),
                point(36.0, -14.0, 162.0, 9.5),
                point(68.0, 14.0, 176.0, 8.0),
            ]),
            stomach: Tube::through(&[
                point(34.0, 6.0, 232.0, 18.0),
                point(62.0, 4.0, 220.0, 36.0),
                point(66.0, -24.0, 188.0, 35.0),
                point(48.0, -52.0, 152.0, 27.0),
                point(10.0, -60.0, 132.0, 20.0),
                point(-24.0, -46.0, 136.0, 15.0),
                point(-36.0, -30.0, 142.0, 9.0),
            ]),
            duodenum: Tube::through(&[
                point(-40.0, -28.0, 140.0, 11.0),
                point(-50.0, -10.0, 120.0, 12.0),
                point(-48.0, -4.0, 84.0, 12.0),
                point(-20.0, -8.0, 66.0, 11.0),
                point(18.0, -16.0, 72.0, 10.0),
                point(30.0, -30.0, 92.0, 10.0),
            ]),
            colon: Tube::through(&[
                point(-84.0, -8.0, -62.0, 25.0),
                point(-94.0, 4.0, -10.0, 24.0),
                point(-98.0, 14.0, 52.0, 21.0),
                point(-88.0, 2.0, 96.0, 21.0),
                point(-62.0, -58.0, 84.0, 20.0),
                point(-10.0, -70.0, 58.0, 19.0),
                point(46.0, -62.0, 92.0, 19.0),
                point(92.0, -14.0, 158.0, 18.0),
                point(106.0, 24.0, 132.0, 16.0),
                point(104.0, 24.0, 60.0, 15.0),
                point(98.0, 12.0, -10.0, 14.0),
                point(72.0, 2.0, -66.0, 14.0),
            ]),
            loops,
            hepatic,
            arteries: vec![
                aorta,
                iliac(1.0, 6.2, 3.0),
                iliac(-1.0, 6.2, 3.0),
                mesenteric(4.0, 3.8),
                Tube::through(&[
                    [5.0, vessel_y(158.0) - 8.0, 158.0, 4.0],
                    [6.0, vessel_y(158.0) - 24.0, 158.0, 3.6],
                    [40.0, -6.0, 170.0, 3.0],
                    [80.0, 22.0, 184.0, 2.6],
                ]),
            ],
            veins: vec![
                cava,
                iliac(1.0, 7.2, -9.0),
                iliac(-1.0, 7.2, -14.0),
                mesenteric(-10.0, 5.4),
                Tube::through(&[
                    [-14.0, vessel_y(120.0) - 20.0, 122.0, 6.4],
                    [-18.0, -14.0, 146.0, 7.0],
                    [-32.0, -4.0, 170.0, 6.4],
                ]),
                Tube::through(&[
                    [-10.0, -20.0, 138.0, 5.0],
                    [30.0, -6.0, 158.0, 4.6],
                    [78.0, 20.0, 180.0, 4.0],
                ]),
            ],
            renal,
            noise: body.seed as u32,
        }
    }

    pub(crate) fn paint(&self, canvas: &mut Canvas, body: &Anatomy) {
        let z = canvas.z;
        let mottle = |seed: u32, scale: f32, x: f32, y: f32| {
            value_noise(self.noise ^ seed, [x / scale, y / scale, z / scale])
        };
        self.strands(canvas);
        for bowel in &self.loops {
            let filled = body.hu(22.0, 26.0);
            bowel.paint(canvas, Within::Abdomen, |x, y, wall| {
                let folds = mottle(3, 3.2, x, y);
                Some(if wall > -2.2 - 1.2 * folds { body.hu(48.0, 98.0) } else { filled + 14.0 * folds })
            });
        }
        self.paint_colon(canvas, body);
        self.duodenum.paint(canvas, Within::Abdomen, |x, y, wall| {
            Some(if wall > -2.4 { body.hu(46.0, 92.0) } else { 18.0 + 10.0 * mottle(4, 4.0, x, y) })
        });
        self.pancreas.paint(canvas, Within::Abdomen, |x, y, wall| {
            let lobes = mottle(5, 4.5, x, y);
            if wall > -1.6 + 2.4 * lobes { None } else { Some(body.hu(40.0, 98.0) + 9.0 * lobes) }
        });
        self.paint_stomach(canvas, body);
        self.paint_kidneys(canvas, body);
        self.spleen.paint(canvas, Within::Abdomen, |x, y| body.hu(49.0, 124.0) + 2.5 * mottle(6, 9.0, x, y));
        for part in &self.liver {
            part.paint(canvas, Within::Abdomen, |x, y| body.hu(58.0, 110.0) + 2.0 * mottle(7, 12.0, x, y));
        }
        self.fissure.paint(canvas, Within::Abdomen, |_, _| -62.0);
        for (hu, vessel) in &self.hepatic {
            vessel.fill(canvas, Within::Abdomen, *hu);
        }
        let mut lesions = self.lesions.iter();
        if let Some(tumour) = lesions.next() {
            tumour.paint(canvas, Within::Abdomen, |_, _| body.hu(44.0, 118.0));
            tumour
                .grown(-1.6)
                .paint(canvas, Within::Abdomen, |x, y| body.hu(40.0, 74.0) + 14.0 * mottle(8, 4.0, x, y));
        }
        for cyst in lesions {
            cyst.paint(canvas, Within::Abdomen, |_, _| 6.0);
        }
        self.gallbladder.grown(1.4).paint(canvas, Within::Abdomen, |_, _| body.hu(30.0, 62.0));
        self.gallbladder.paint(canvas, Within::Abdomen, |_, _| 9.0);
        for vein in &self.veins {
            vein.fill(canvas, Within::Abdomen, body.hu(42.0, 158.0));
        }
        for artery in &self.arteries {
            artery.paint(canvas, Within::Everywhere, |x, y, wall| {
                let plaque = wall > -1.1 && mottle(9, 6.0, x, y) > 0.55;
                Some(if plaque { 520.0 } else { body.hu(41.0, 168.0) })
            });
        }
        for tube in &self.renal {
            tube.fill(canvas, Within::Abdomen, body.hu(34.0, 140.0));
        }
    }

    /// Thin vessels through the mesenteric fat.
    fn strands(&self, canvas: &mut Canvas) {
        let z = canvas.z;
        if z > 150.0 {
            return;
        }
        let noise = self.noise;
        canvas.each_in([-80.0, -75.0, 80.0, 20.0], |canvas, at, x, y| {
            let ridge = 1.0 - value_noise(noise ^ 17, [x / 9.0, y / 9.0, z / 14.0]).abs() * 7.0;
            if ridge > 0.0 {
                canvas.lay(at, 20.0, ridge * 0.55, Within::Abdomen);
            }
        });
    }

    /// Wall with pouches, stool with bubbles, gas above it.
    fn paint_colon(&self, canvas: &mut Canvas, body: &Anatomy) {
        let (z, noise) = (canvas.z, self.noise);
        self.colon.paint(canvas, Within::Abdomen, |x, y, wall| {
            let pouch = 2.6 * value_noise(noise ^ 23, [x / 15.0, y / 15.0, z / 15.0]);
            let wall = wall + 2.2 + pouch;
            if wall > 0.0 {
                return None;
            }
            if wall > -1.9 {
                return Some(body.hu(42.0, 82.0));
            }
            let level = value_noise(noise ^ 29, [x / 70.0, 0.0, z / 45.0]) * 16.0 - 2.0;
            let centre_y = if x.abs() > 70.0 { 12.0 } else { -62.0 };
            if y - centre_y < level - 6.0 {
                return Some(-960.0);
            }
            let bubbles = value_noise(noise ^ 31, [x / 2.6, y / 2.6, z / 2.6]);
            Some(if bubbles > 0.35 { -420.0 * (bubbles + 0.2) } else { 32.0 + 40.0 * bubbles })
        });
    }

    /// Folds of the wall, fluid below, gas above: the patient lies on the back.
    fn paint_stomach(&self, canvas: &mut Canvas, body: &Anatomy) {
        let (z, noise) = (canvas.z, self.noise);
        let level = -30.0 * body.depth;
        self.stomach.paint(canvas, Within::Abdomen, |x, y, wall| {
            let folds = 1.9 * value_noise(noise ^ 37, [x / 6.0, y / 6.0, z / 9.0]).max(-0.3);
            Some(if wall > -3.0 - folds {
                body.hu(44.0, 84.0)
            } else if y < level {
                -970.0
            } else {
                15.0 + 12.0 * value_noise(noise ^ 41, [x / 5.0, y / 5.0, z / 5.0])
            })
        });
    }

    /// Capsule of fat, cortex, pyramids, sinus with fat and pelvis.
    fn paint_kidneys(&self, canvas: &mut Canvas, body: &Anatomy) {
        let (z, noise) = (canvas.z, self.noise);
        for (kidney, side) in self.kidneys.iter().zip([-1.0f32, 1.0]) {
            kidney.grown(7.0).paint(canvas, Within::Abdomen, |_, _| -100.0);
            kidney.paint(canvas, Within::Abdomen, |_, _| body.hu(33.0, 182.0));
            kidney.grown(-6.5).paint(canvas, Within::Abdomen, |x, y| {
                let pyramids = value_noise(noise ^ 43, [x / 8.0, y / 8.0, z / 8.0]);
                body.hu(31.0, 150.0 + 26.0 * smoothstep(-0.1, 0.3, pyramids))
            });
            let mut sinus = kidney.grown(-11.0);
            sinus.centre[0] -= side * 7.0;
            sinus.centre[1] -= 5.0;
            sinus.radii = [sinus.radii[0] * 0.72, sinus.radii[1] * 0.72, sinus.radii[2] * 0.7];
            sinus.paint(canvas, Within::Abdomen, |_, _| -78.0);
            sinus.grown(-3.6).paint(canvas, Within::Abdomen, |_, _| body.hu(8.0, 24.0));
        }
        self.cyst.paint(canvas, Within::Abdomen, |_, _| 7.0);
    }
}
