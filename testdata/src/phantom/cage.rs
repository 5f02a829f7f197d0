//! Skin, fat, muscle, ribs, spine, pelvis and shoulder blades.

use super::anatomy::Anatomy;
use super::canvas::{Canvas, Within};
use super::field::{smoothstep, value_noise};
use super::shape::{Blob, Tube};

const FAT: f32 = -104.0;
const MUSCLE: f32 = 56.0;
const CORTEX: f32 = 780.0;

/// Middle heights of the vertebral bodies from L5 up to C7, millimetres.
pub(crate) const VERTEBRAE: [f32; 18] = [
    -36.0, 0.0, 36.0, 71.0, 105.0, 137.0, 165.0, 191.0, 216.0, 240.0, 263.0, 286.0, 308.0, 329.0, 350.0,
    370.0, 389.0, 407.0,
];

/// Height at which the twelfth rib leaves the spine; the others follow upwards.
const FIRST_RIB: usize = 5;

/// The wall around everything, and the masks of the cavity.
pub(crate) fn paint_wall(canvas: &mut Canvas, body: &Anatomy) {
    let z = canvas.z;
    let [wide, deep] = body.outline(z);
    let [inner_wide, inner_deep, inner_middle] = body.cavity(z);
    let chest = smoothstep(120.0, 200.0, z);
    let shoulders = smoothstep(340.0, 400.0, z);
    let area = [-wide - 2.0, -deep - 2.0, wide + 2.0, deep + 2.0];
    canvas.each_in(area, |canvas, at, x, y| {
        // The back is flatter than the belly.
        let flat = if y > 0.0 { 2.9 } else { 2.15 };
        let ratio = ((x / wide).abs().powf(flat) + (y / deep).abs().powf(flat)).powf(1.0 / flat);
        let angle = x.abs().atan2(y);
        let radius = x.hypot(y) / ratio.max(1e-3);
        let depth = (1.0 - ratio) * radius;
        let cover = canvas.cover(-depth);
        if cover == 0.0 {
            return;
        }
        let rough = value_noise(7, [x * 0.035, y * 0.035, z * 0.03]);
        // Fat is thick at the flanks and in front of the belly, thin along the spine.
        let front = smoothstep(1.6, 2.9, angle);
        let back = smoothstep(0.9, 0.1, angle);
        let mut fat = body.fat * (1.0 + 0.35 * front - 0.35 * back) * (1.0 - 0.45 * chest) + 1.6 * rough;
        if body.female {
            fat += 16.0
                * chest
                * (1.0 - shoulders)
                * smoothstep(2.0, 2.5, angle)
                * smoothstep(3.1, 2.7, angle)
                * smoothstep(330.0, 280.0, z);
        }
        let inner = inner_distance(x, y - inner_middle, inner_wide, inner_deep);
        let muscle_depth = depth - fat.max(3.0);
        let hu = if depth < 1.8 {
            18.0
        } else if muscle_depth < 0.0 {
            FAT + 8.0 * rough
        } else {
            wall_tissue([x, y, z], inner, chest, rough)
        };
        canvas.hu[at] = -1000.0 + (hu + 1000.0) * cover;
        let inside = canvas.cover(inner);
        canvas.cavity[at] = inside;
        let height = z - body.diaphragm(x, y);
        canvas.above[at] = (height / canvas.thickness + 0.5).clamp(0.0, 1.0);
        if inside > 0.0 {
            let fill = if height < -3.2 {
                FAT - 4.0 + 9.0 * rough
            } else if height < 0.4 {
                45.0
            } else {
                FAT
            };
            canvas.hu[at] += (fill - canvas.hu[at]) * inside;
        }
    });
}

/// Muscle between fat and cavity: layers at the flank of the belly, a seam in the middle, a coat over the ribs.
fn wall_tissue([x, y, z]: [f32; 3], inner: f32, chest: f32, rough: f32) -> f32 {
    let layers = chest < 0.5 && x.abs() > 62.0 && y < 35.0;
    let seam = chest < 0.5 && y < 0.0 && x.abs() < 1.8;
    let between_layers = (inner - 4.6).abs() < 0.6 || (inner - 9.2).abs() < 0.6;
    if seam || (layers && between_layers) {
        return -45.0;
    }
    // How far muscle reaches outwards from the cavity: thin in front, a thick coat beside the spine and shoulders.
    let beside = smoothstep(20.0, 60.0, y);
    let shoulder = smoothstep(290.0, 370.0, z);
    let reach = 14.0
        + 9.0 * chest * smoothstep(60.0, 110.0, x.abs())
        + 10.0 * beside * (0.4 + chest)
        + 95.0 * shoulder;
    let edge = inner - reach - 4.0 * value_noise(13, [x * 0.05, y * 0.05, z * 0.03]);
    // Strands of fat run between the muscles.
    let strands = value_noise(11, [x * 0.11, y * 0.11, z * 0.04]);
    let strand = smoothstep(0.62, 0.85, strands) * 0.5 * smoothstep(8.0, 14.0, inner);
    let fat_share = smoothstep(-0.8, 0.8, edge).max(strand);
    MUSCLE + 5.0 * rough + (FAT - MUSCLE) * fat_share
}

/// Distance from the wall of the cavity, negative inside.
fn inner_distance(x: f32, y: f32, wide: f32, deep: f32) -> f32 {
    let (wide, deep) = (wide.max(1.0), deep.max(1.0));
    let ratio = ((x / wide).abs().powf(2.3) + (y / deep).abs().powf(2.3)).powf(1.0 / 2.3);
    (ratio - 1.0) * x.hypot(y).max(1.0) / ratio.max(0.05)
}

/// Ribs as arcs that fall from the spine to the front, with the cartilage that joins them to the breastbone.
pub(crate) fn paint_ribs(canvas: &mut Canvas, body: &Anatomy) {
    let z = canvas.z;
    let [wide, deep, middle] = body.cavity(z);
    let (rx, ry) = (wide + 5.5, deep + 5.5);
    let heights = &VERTEBRAE[FIRST_RIB..FIRST_RIB + 12];
    canvas.each_in([-rx - 8.0, middle - ry - 8.0, rx + 8.0, middle + ry + 8.0], |canvas, at, x, y| {
        let outward = inner_distance(x, y - middle, wide, deep) - 5.5;
        if outward.abs() > 7.0 {
            return;
        }
        // 0 at the spine, 1 at the breastbone.
        let turn = (x.abs() / rx).atan2((y - middle) / ry) / std::f32::consts::PI;
        for (n, start) in heights.iter().enumerate() {
            let end = [0.34, 0.52, 0.70].get(n).copied().unwrap_or(0.76);
            let (height, slope) = rib_height(*start + 4.0, turn, n);
            let off = (z - height) * slope;
            if off.abs() > 10.0 || turn < 0.07 {
                continue;
            }
            if turn <= end {
                let distance = ((off / 6.6).hypot(outward / 3.9) - 1.0) * 3.9;
                let marrow = 260.0 + 60.0 * value_noise(5, [x * 0.5, y * 0.5, z * 0.5]);
                let hu = if distance > -1.3 { CORTEX } else { marrow };
                canvas.lay(at, hu, canvas.cover(distance), Within::Everywhere);
            } else if n >= 2 && turn < 0.955 {
                let distance = ((off / 6.0).hypot(outward / 4.2) - 1.0) * 4.2;
                canvas.lay(at, 118.0, canvas.cover(distance), Within::Everywhere);
            }
        }
    });
}

/// Height of a rib at a share of the way round, and how much a step up counts across it.
pub(crate) fn rib_height(start: f32, turn: f32, from_below: usize) -> (f32, f32) {
    let fall = if from_below >= 10 { 52.0 } else { 84.0 };
    let bend = (turn / 0.76).min(1.0);
    let rise =
        if turn > 0.76 { (turn - 0.76) / 0.2 * (34.0 - 3.4 * from_below as f32).max(-4.0) } else { 0.0 };
    (start - fall * bend.powf(1.25) + rise, 0.86)
}

/// Vertebral bodies, discs, canal, arches and processes, with the muscles beside them.
pub(crate) fn paint_spine(canvas: &mut Canvas, body: &Anatomy) {
    let z = canvas.z;
    let (nearest, middle) = nearest_vertebra(z);
    let up = z - middle;
    let lumbar = smoothstep(190.0, 80.0, z);
    let (rx, ry) = (15.5 + 6.0 * lumbar, 13.0 + 3.5 * lumbar);
    let front = spine_front(body, z);
    let (cy, canal_y) = (front + ry, front + 2.0 * ry + 8.5);
    muscles_of_the_back(canvas, body, cy, canal_y, lumbar);

    let half = half_height(nearest);
    let disc = up.abs() > half - 3.2;
    let endplate = !disc && up.abs() > half - 4.8;
    let flare = 1.0 + 0.10 * (up / half).powi(2);
    let blob = Blob::new([0.0, cy, z], [rx * flare, ry * flare, 10.0]).waved([
        (2.0, 0.05, 3.1),
        (3.0, 0.03, 1.2),
        (1.0, 0.0, 0.0),
    ]);
    if disc {
        blob.paint(canvas, Within::Everywhere, |x, y| {
            92.0 - 12.0 * smoothstep(rx * 0.7, 0.0, x.hypot(y - cy))
        });
    } else {
        blob.paint(canvas, Within::Everywhere, |_, _| CORTEX * 0.72);
        let core = blob.grown(-1.9);
        core.paint(canvas, Within::Everywhere, |x, y| {
            let lattice = value_noise(21, [x * 0.55, y * 0.55, z * 0.35])
                + 0.5 * value_noise(22, [x * 1.1, y * 1.1, z]);
            if endplate { 420.0 } else { 185.0 + 60.0 * lattice }
        });
    }
    // Arch, pedicles and processes belong to the upper half of a vertebra, the gap between two holds the nerves.
    let pedicle = smoothstep(-4.0, 1.0, up) * smoothstep(half, half - 4.0, up);
    let lamina = smoothstep(half * 0.9, half * 0.5, up.abs());
    let bone = |canvas: &mut Canvas, blob: Blob, share: f32| {
        if share > 0.05 {
            let soft = |hu: f32| MUSCLE + (hu - MUSCLE) * share;
            blob.paint(canvas, Within::Everywhere, |_, _| soft(CORTEX * 0.9));
            blob.grown(-1.5).paint(canvas, Within::Everywhere, |_, _| soft(330.0));
        }
    };
    for side in [-1.0f32, 1.0] {
        let lean = side * 0.55;
        bone(
            canvas,
            Blob::new([side * 11.5, canal_y - 5.0, z], [4.2, 10.0, 9.0]).turned(-lean * 0.4),
            pedicle,
        );
        bone(canvas, Blob::new([side * 9.0, canal_y + 9.0, z], [3.4, 10.0, 9.0]).turned(lean * 1.5), lamina);
        bone(
            canvas,
            Blob::new([side * 16.0, canal_y + 3.0, z], [5.5, 7.0, 9.0]).turned(lean),
            smoothstep(half * 0.5, half, up.abs()),
        );
        let reach = if lumbar > 0.5 { 27.0 } else { 21.0 };
        bone(
            canvas,
            Blob::new([side * (reach + 4.0), canal_y + 3.0 + 5.0 * (1.0 - lumbar), z], [12.5, 3.4, 9.0])
                .turned(side * 0.25),
            pedicle,
        );
    }
    let room = body.outline(z)[1] - body.fat * 0.5 - 7.0;
    let tip = (canal_y + 24.0).min(room - 12.0).max(canal_y + 9.0);
    bone(
        canvas,
        Blob::new([0.0, tip, z], [2.8, 12.0_f32.min(room - tip).max(4.0), 9.0]),
        smoothstep(half * 0.95, half * 0.3, (up + 6.0).abs()),
    );
    let canal = Blob::new([0.0, canal_y, z], [9.6, 7.6, 9.0]).waved([
        (3.0, 0.06, 1.57),
        (1.0, 0.0, 0.0),
        (1.0, 0.0, 0.0),
    ]);
    canal.paint(canvas, Within::Everywhere, |_, _| -35.0);
    canal.grown(-1.6).paint(canvas, Within::Everywhere, |_, _| 14.0);
    let cord = if z > 95.0 { 4.4 } else { 2.6 };
    Blob::new([0.0, canal_y + 0.6, z], [cord * 1.25, cord, 9.0])
        .paint(canvas, Within::Everywhere, |_, _| 38.0);
}

/// Front edge of the vertebral bodies at a height: the back is hollow at the loin and round at the chest.
pub(crate) fn spine_front(body: &Anatomy, z: f32) -> f32 {
    let curve = super::field::interpolate(
        &[(-70.0, 24.0), (10.0, 14.0), (120.0, 24.0), (260.0, 40.0), (350.0, 36.0), (430.0, 16.0)],
        z,
    );
    curve * (0.4 + 0.6 * body.depth)
}

fn nearest_vertebra(z: f32) -> (usize, f32) {
    VERTEBRAE
        .iter()
        .copied()
        .enumerate()
        .min_by(|a, b| (a.1 - z).abs().total_cmp(&(b.1 - z).abs()))
        .unwrap_or((0, 0.0))
}

fn half_height(vertebra: usize) -> f32 {
    let next = (vertebra + 1).min(VERTEBRAE.len() - 1);
    let below = next - 1;
    (VERTEBRAE[next] - VERTEBRAE[below]) / 2.0
}

fn muscles_of_the_back(canvas: &mut Canvas, body: &Anatomy, cy: f32, canal_y: f32, lumbar: f32) {
    let z = canvas.z;
    let [_, deep] = body.outline(z);
    let back = (deep - body.fat * 0.65 - canal_y).max(16.0);
    for side in [-1.0f32, 1.0] {
        let erector = Blob::new([side * 29.0, canal_y + back * 0.45, z], [24.0, back * 0.56, 9.0]).waved([
            (2.0, 0.05, 0.4),
            (3.0, 0.05, side),
            (1.0, 0.0, 0.0),
        ]);
        erector.grown(1.5).paint(canvas, Within::Everywhere, |_, _| -70.0);
        erector.paint(canvas, Within::Everywhere, |x, y| {
            let strands = value_noise(31, [x * 0.16, y * 0.16, z * 0.04]);
            MUSCLE + 4.0 - 95.0 * smoothstep(0.55, 0.95, strands)
        });
        if lumbar > 0.3 {
            let thick = smoothstep(150.0, 20.0, z);
            Blob::new(
                [side * (31.0 + 4.0 * thick), cy - 1.0, z],
                [9.0 + 9.0 * thick, 11.0 + 8.0 * thick, 9.0],
            )
            .paint(canvas, Within::Everywhere, |_, _| MUSCLE + 3.0);
            Blob::new([side * 62.0, canal_y - 6.0, z], [19.0, 7.5 * lumbar, 9.0]).turned(side * 0.42).paint(
                canvas,
                Within::Everywhere,
                |_, _| MUSCLE,
            );
        }
    }
}

/// Breastbone, shoulder blades, collarbones, and the wings of the pelvis below the belly.
pub(crate) fn paint_girdles(canvas: &mut Canvas, body: &Anatomy) {
    let z = canvas.z;
    let [_, deep, middle] = body.cavity(z);
    let front = middle - deep - 7.0;
    if (225.0..392.0).contains(&z) {
        let wide = super::field::interpolate(
            &[(225.0, 5.0), (250.0, 14.0), (345.0, 16.0), (370.0, 27.0), (392.0, 22.0)],
            z,
        );
        let plate = Blob::new([0.0, front, z], [wide, 6.0, 9.0]).waved([
            (2.0, 0.08, 3.1),
            (4.0, 0.03, 0.0),
            (1.0, 0.0, 0.0),
        ]);
        plate.paint(canvas, Within::Everywhere, |_, _| CORTEX * 0.55);
        plate.grown(-1.4).paint(canvas, Within::Everywhere, |x, y| {
            150.0 + 50.0 * value_noise(41, [x * 0.5, y * 0.5, z * 0.4])
        });
    }
    let bone = |canvas: &mut Canvas, tube: Tube| {
        tube.paint(canvas, Within::Everywhere, |_, _, wall| Some(if wall > -1.4 { CORTEX } else { 290.0 }));
    };
    let plate = |canvas: &mut Canvas, blob: Blob| {
        blob.paint(canvas, Within::Everywhere, |_, _| CORTEX);
        blob.grown(-1.6).paint(canvas, Within::Everywhere, |_, _| 240.0);
    };
    for side in [-1.0f32, 1.0] {
        let at = |x: f32, y: f32, z: f32, r: f32| [side * x * body.width, y * body.depth, z, r];
        plate(
            canvas,
            Blob::new([side * 108.0 * body.width, 63.0 * body.depth, 318.0], [33.0, 3.6, 72.0])
                .turned(-side * 0.42),
        );
        bone(
            canvas,
            Tube::through(&[
                at(128.0, 34.0, 386.0, 13.0),
                at(132.0, 24.0, 412.0, 19.0),
                at(136.0, 16.0, 450.0, 15.0),
            ]),
        );
        bone(
            canvas,
            Tube::through(&[
                at(20.0, -62.0, 386.0, 8.0),
                at(60.0, -52.0, 402.0, 6.0),
                at(92.0, -18.0, 414.0, 5.5),
                at(116.0, 4.0, 424.0, 6.0),
            ]),
        );
        let turn = (-92.0f32 * body.depth).atan2(side * 66.0 * body.width);
        plate(
            canvas,
            Blob::new([side * 84.0 * body.width, 17.0 * body.depth, -52.0], [57.0, 6.0, 64.0])
                .turned(turn)
                .full(2.6),
        );
    }
}
