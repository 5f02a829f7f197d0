//! The catalogue of imaging procedures.

/// What the images of a procedure show, and so how they are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A CT volume of the abdomen.
    CtAbdomen,
    /// A CT volume of the chest.
    CtChest,
    /// One frontal chest radiograph.
    ChestFrontal,
    /// Cine loops and stills of the upper abdomen.
    UltrasoundAbdomen,
    /// MR series of the brain.
    MrBrain,
}

/// One row of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Procedure {
    /// Code, at most 16 characters (SH).
    pub code: &'static str,
    /// Name as doctors order it.
    pub name: &'static str,
    /// Modality as (0008,0060) writes it.
    pub modality: &'static str,
    /// Body Part Examined (0018,0015), a defined term of PS3.16 annex L.
    pub body_part: &'static str,
    /// What its synthetic images show; `None` when this crate cannot draw it (it can still be ordered).
    pub subject: Option<Subject>,
}

/// The catalogue.
pub(crate) const PROCEDURES: &[Procedure] = &[
    row("CT.BUNG", "Chụp CT ổ bụng không tiêm thuốc cản quang", "CT", "ABDOMEN", Some(Subject::CtAbdomen)),
    row("CT.BUNG.CQ", "Chụp CT ổ bụng có tiêm thuốc cản quang", "CT", "ABDOMEN", Some(Subject::CtAbdomen)),
    row("CT.NGUC", "Chụp CT lồng ngực không tiêm thuốc cản quang", "CT", "CHEST", Some(Subject::CtChest)),
    row("CT.SONAO", "Chụp CT sọ não không tiêm thuốc cản quang", "CT", "HEAD", None),
    row("XQ.NGUC.T", "Chụp X-quang ngực thẳng", "DX", "CHEST", Some(Subject::ChestFrontal)),
    row("XQ.GOI", "Chụp X-quang khớp gối thẳng nghiêng", "DX", "KNEE", None),
    row("XQ.CSTL", "Chụp X-quang cột sống thắt lưng thẳng nghiêng", "DX", "LSPINE", None),
    row("SA.BUNG", "Siêu âm ổ bụng tổng quát", "US", "ABDOMEN", Some(Subject::UltrasoundAbdomen)),
    row("SA.GIAP", "Siêu âm tuyến giáp", "US", "THYROID", None),
    row("SA.THAI", "Siêu âm thai", "US", "PELVIS", None),
    row("MR.SONAO", "Chụp MRI sọ não không tiêm thuốc đối quang từ", "MR", "BRAIN", Some(Subject::MrBrain)),
    row("MR.CSTL", "Chụp MRI cột sống thắt lưng", "MR", "LSPINE", None),
];

/// The row with a code.
pub(crate) fn by_code(code: &str) -> Option<&'static Procedure> {
    PROCEDURES.iter().find(|procedure| procedure.code == code)
}

const fn row(
    code: &'static str,
    name: &'static str,
    modality: &'static str,
    body_part: &'static str,
    subject: Option<Subject>,
) -> Procedure {
    Procedure { code, name, modality, body_part, subject }
}
