//! The series of a study: which there are, and how each of their instances is made.

use crate::instance::{Identity, Instance, PixelData, assemble, well_known};
use crate::modules::common::{SeriesFacts, put_equipment, put_instance, put_patient, put_series, put_study};
use crate::modules::ct::{Scan, put_ct};
use crate::modules::dx::put_dx;
use crate::modules::image::{Plane, Raster};
use crate::modules::mr::put_mr;
use crate::modules::us::{self, Cine, put_us};
use crate::order::Order;
use crate::patient::Patient;
use crate::phantom::anatomy::Anatomy;
use crate::phantom::brain::{self, Head, Weighting};
use crate::phantom::ct::{self, CtVolume};
use crate::phantom::radiograph::{self, Radiograph};
use crate::phantom::ultrasound::{self, Sector, View};
use crate::procedure::Subject;
use crate::random::{number_of, uid_below};
use jiff::ToSpan;
use jiff::civil::DateTime;
use pacs_core::dataset::DataSet;
use pacs_core::pixels::{Canvas, Picture, encode_jpeg};
use pacs_core::uid::Uid;
use pacs_core::uids;

/// What will be in a series.
#[derive(Debug, Clone)]
pub(crate) struct SeriesPlan {
    pub(crate) number: i64,
    pub(crate) description: &'static str,
    pub(crate) protocol: &'static str,
    pub(crate) count: usize,
    images: Images,
}

#[derive(Debug, Clone, Copy)]
enum Images {
    Ct { chest: bool, contrast: bool },
    Chest { negative: bool },
    Ultrasound { view: View, cine: bool },
    Brain { weighting: Weighting, window: (f64, f64) },
}

const CT_SPACING_MM: f32 = 2.5;
const CINE_FRAMES: usize = 60;
const CINE_FRAME_TIME_MS: i64 = 40;
const MR_SPACING_MM: f32 = 5.0;
/// Every study has the same anatomy for the same patient, whatever the study.
const ANATOMY_SEED: u64 = 7;

/// The series of one subject.
pub(crate) fn plans(subject: Subject, order: &Order) -> Vec<SeriesPlan> {
    let plan = |number, description, protocol, count, images| SeriesPlan {
        number,
        description,
        protocol,
        count,
        images,
    };
    let us = |view, cine| Images::Ultrasound { view, cine };
    let mr = |repetition_ms, echo_ms, inversion_ms, window| Images::Brain {
        weighting: Weighting { repetition_ms, echo_ms, inversion_ms },
        window,
    };
    match subject {
        Subject::CtAbdomen if order.procedure.code == "CT.BUNG.CQ" => {
            vec![plan(
                2,
                "Bụng thì tĩnh mạch cửa 2.5 mm",
                "Bụng có cản quang",
                144,
                Images::Ct { chest: false, contrast: true },
            )]
        }
        Subject::CtAbdomen => {
            vec![plan(
                2,
                "Bụng 2.5 mm",
                "Bụng không cản quang",
                144,
                Images::Ct { chest: false, contrast: false },
            )]
        }
        Subject::CtChest => {
            vec![plan(
                2,
                "Ngực 2.5 mm",
                "Ngực không cản quang",
                128,
                Images::Ct { chest: true, contrast: false },
            )]
        }
        Subject::ChestFrontal => {
            // Some machines send the negative, as film was.
            let negative = order.device.ae_title.as_str().ends_with("DX2");
            vec![plan(1, "Ngực thẳng", "Ngực thẳng sau trước", 1, Images::Chest { negative })]
        }
        Subject::UltrasoundAbdomen => vec![
            plan(1, "Gan và túi mật, vòng lặp", "Bụng", 1, us(View::Liver, true)),
            plan(2, "Thận phải", "Bụng", 1, us(View::Kidney, false)),
            plan(3, "Tĩnh mạch cửa, Doppler màu", "Bụng", 1, us(View::Flow, true)),
        ],
        Subject::MrBrain => vec![
            plan(2, "T1 SE ngang", "Sọ não", 24, mr(520.0, 12.0, None, (620.0, 1300.0))),
            plan(3, "T2 TSE ngang", "Sọ não", 24, mr(4300.0, 98.0, None, (900.0, 2000.0))),
            plan(4, "FLAIR ngang", "Sọ não", 24, mr(9000.0, 110.0, Some(2470.0), (600.0, 1300.0))),
        ],
    }
}

/// Makes the pixels of one series.
pub(crate) enum Painter {
    Ct(Box<CtVolume>),
    Chest(Box<Radiograph>),
    Ultrasound(Sector),
    Brain(Head),
}

impl Painter {
    /// `seed` belongs to the visit; the anatomy belongs to the patient.
    pub(crate) fn new(plan: &SeriesPlan, patient: &Patient, seed: u64, years_before_today: f32) -> Painter {
        let body = |contrast| Anatomy::of(patient, ANATOMY_SEED, contrast, years_before_today);
        match plan.images {
            Images::Ct { chest, contrast } => {
                let (top_mm, noise_hu) = if chest { (440.0, 17.0) } else { (292.0, 11.5) };
                Painter::Ct(Box::new(CtVolume::new(body(contrast), seed, top_mm, CT_SPACING_MM, noise_hu)))
            }
            Images::Chest { .. } => Painter::Chest(Box::new(Radiograph::new(body(false), seed))),
            Images::Ultrasound { view, .. } => Painter::Ultrasound(Sector::new(view, seed)),
            Images::Brain { .. } => Painter::Brain(Head::new(patient.number + 1)),
        }
    }

    /// One instance of the series.
    pub(crate) fn instance(
        &self,
        plan: &SeriesPlan,
        series: &Uid,
        patient: &Patient,
        order: &Order,
        performed_at: DateTime,
        index: usize,
    ) -> Instance {
        let class = match plan.images {
            Images::Ct { .. } => uids::CT_IMAGE_STORAGE,
            Images::Chest { .. } => uids::DIGITAL_X_RAY_IMAGE_STORAGE_FOR_PRESENTATION,
            Images::Ultrasound { cine: true, .. } => uids::ULTRASOUND_MULTI_FRAME_IMAGE_STORAGE,
            Images::Ultrasound { cine: false, .. } => uids::ULTRASOUND_IMAGE_STORAGE,
            Images::Brain { .. } => uids::MR_IMAGE_STORAGE,
        };
        let identity = Identity {
            class: well_known(class),
            uid: uid_below(series, "instance", index as u64),
            series: series.clone(),
            study: order.study.clone(),
        };
        let started_at = performed_at.saturating_add((90 * (plan.number - 1)).seconds());
        let mut set = DataSet::new();
        put_instance(
            &mut set,
            &identity,
            index as i64 + 1,
            started_at.saturating_add((index as i64 / 4).seconds()),
        );
        put_patient(&mut set, patient, order);
        put_study(&mut set, order, performed_at);
        let operator = format!("KTV {:02}", number_of(order.device.ae_title.as_str()) % 20);
        let facts = SeriesFacts {
            number: plan.number,
            description: plan.description,
            protocol: plan.protocol,
            started_at,
            operator: &operator,
        };
        put_series(&mut set, order, &identity, &facts);
        put_equipment(&mut set, order);
        let frame_of_reference = uid_below(&order.study, "frame of reference", 1);
        let pixels = match (self, plan.images) {
            (Painter::Ct(volume), Images::Ct { chest, contrast }) => {
                put_ct_slice(&mut set, volume, &frame_of_reference, index, chest, contrast)
            }
            (Painter::Chest(film), Images::Chest { negative }) => put_film(&mut set, film, negative),
            (Painter::Ultrasound(sector), Images::Ultrasound { cine, .. }) => {
                put_sector(&mut set, sector, cine)
            }
            (Painter::Brain(head), Images::Brain { weighting, window }) => {
                put_head(&mut set, head, &frame_of_reference, index, weighting, window)
            }
            // A painter is made from the plan it is used with.
            _ => PixelData::Words(Vec::new()),
        };
        assemble(identity, &set, pixels, Some(&order.device.ae_title))
    }
}

fn put_ct_slice(
    set: &mut DataSet,
    volume: &CtVolume,
    frame_of_reference: &Uid,
    index: usize,
    chest: bool,
    contrast: bool,
) -> PixelData {
    let spacing_mm = f64::from(volume.field_mm) / ct::SIDE as f64;
    let edge_mm = -spacing_mm * (ct::SIDE as f64 - 1.0) / 2.0;
    let plane = Plane {
        frame_of_reference,
        position_mm: [edge_mm, edge_mm, f64::from(volume.height(index))],
        spacing_mm,
        thickness_mm: f64::from(volume.spacing_mm),
    };
    let windows: &[(f64, f64, &str)] = if chest {
        &[(-550.0, 1600.0, "LUNG"), (40.0, 400.0, "MEDIASTINUM")]
    } else {
        &[(50.0, 400.0, "ABDOMEN"), (400.0, 1800.0, "BONE")]
    };
    let scan = Scan {
        contrast,
        kernel: if chest { "B50" } else { "B30" },
        field_of_view_mm: f64::from(volume.field_mm),
        tube_current_ma: if chest { 160 } else { 240 },
        windows,
    };
    let side = ct::SIDE as u16;
    let raster = Raster { rows: side, columns: side, bits_stored: 12, photometric: "MONOCHROME2" };
    put_ct(set, &raster, &plane, &scan);
    PixelData::Words(volume.slice(index))
}

fn put_film(set: &mut DataSet, film: &Radiograph, negative: bool) -> PixelData {
    let raster = Raster {
        rows: radiograph::ROWS as u16,
        columns: radiograph::COLUMNS as u16,
        bits_stored: 12,
        photometric: if negative { "MONOCHROME1" } else { "MONOCHROME2" },
    };
    put_dx(set, &raster, radiograph::SPACING_MM);
    let mut pixels = film.pixels();
    if negative {
        for pixel in &mut pixels {
            *pixel = 4095 - *pixel;
        }
    }
    PixelData::Words(pixels)
}

fn put_sector(set: &mut DataSet, sector: &Sector, cine: bool) -> PixelData {
    let count = if cine { CINE_FRAMES } else { 1 };
    let encoded: Vec<Vec<u8>> = (0..count)
        .map(|frame| {
            // A breath in the loop, and three heartbeats.
            let phase = frame as f32 / CINE_FRAMES as f32;
            let beat = (phase * 3.0).fract();
            let pulse = (-(beat - 0.18).powi(2) / 0.02).exp();
            jpeg(sector.frame(phase, pulse))
        })
        .collect();
    let raw = (ultrasound::COLUMNS * ultrasound::ROWS * 3 * count) as f64;
    let ratio = raw / encoded.iter().map(Vec::len).sum::<usize>().max(1) as f64;
    let raster = Raster {
        rows: ultrasound::ROWS as u16,
        columns: ultrasound::COLUMNS as u16,
        bits_stored: 8,
        photometric: "YBR_FULL_422",
    };
    let cine = cine.then_some(Cine { frames: count as i64, frame_time_ms: CINE_FRAME_TIME_MS });
    let scan = us::Scan {
        area: ultrasound::area(),
        pixels_per_mm: ultrasound::SCALE,
        flow: sector.view == View::Flow,
    };
    put_us(set, &raster, cine.as_ref(), ratio, &scan);
    PixelData::Jpeg(encoded)
}

#[expect(clippy::expect_used, reason = "the screen's size is a constant that JPEG can hold")]
fn jpeg(screen: Vec<u8>) -> Vec<u8> {
    let picture = Picture {
        width: ultrasound::COLUMNS as u32,
        height: ultrasound::ROWS as u32,
        canvas: Canvas::Rgb(screen),
    };
    encode_jpeg(&picture, 88).expect("a screen as JPEG")
}

fn put_head(
    set: &mut DataSet,
    head: &Head,
    frame_of_reference: &Uid,
    index: usize,
    weighting: Weighting,
    window: (f64, f64),
) -> PixelData {
    let spacing_mm = f64::from(brain::FIELD_MM) / brain::SIDE as f64;
    let edge_mm = -spacing_mm * (brain::SIDE as f64 - 1.0) / 2.0;
    let z = -48.0 + MR_SPACING_MM * index as f32;
    let plane = Plane {
        frame_of_reference,
        position_mm: [edge_mm, edge_mm, f64::from(z)],
        spacing_mm,
        thickness_mm: f64::from(MR_SPACING_MM) - 1.0,
    };
    let side = brain::SIDE as u16;
    let raster = Raster { rows: side, columns: side, bits_stored: 12, photometric: "MONOCHROME2" };
    put_mr(set, &raster, &plane, weighting, window);
    PixelData::Words(head.slice(z, weighting))
}
