//! What can be a word of Vietnamese, which is written syllable by syllable: the measure by which a
//! reading of mislabelled bytes is told from chance.

use unicode_normalization::UnicodeNormalization;

const ONSETS: &str = "b c ch d đ g gh gi h k kh l m n ng ngh nh p ph q qu r s t th tr v x";

/// What may follow an onset or stand alone, without its tone.
const RIMES: &str = "
    a ac ach ai am an ang anh ao ap at au ay ăc ăm ăn ăng ăp ăt âc âm ân âng âp ât âu ây
    e ec em en eng eo ep et ê êch êm ên ênh êp êt êu
    i ia ich im in inh ip it iu iêc iêm iên iêng iêp iêt iêu
    o oa oac oach oai oam oan oang oanh oao oap oat oay oăc oăm oăn oăng oăt oc oe oem oen oeo oet
    oi om on ong ooc oong op ot ô ôc ôi ôm ôn ông ôp ôt ơ ơi ơm ơn ơp ơt
    u ua uân uâng uât uây uc uê uêch uênh ui um un ung uôc uôi uôm uôn uông uôt uơ up ut
    uy uya uych uyên uyêt uyêu uyn uynh uyp uyt uyu
    ư ưa ưc ưi ưm ưn ưng ươc ươi ươm ươn ương ươp ươt ươu ưt ưu y yêm yên yêng yêt yêu ym yn";

const ACUTE: char = '\u{301}';
const DOT_BELOW: char = '\u{323}';

/// Whether a word, of either case and normal form, is a syllable of Vietnamese: an onset, a rime and
/// at most one tone, of which a rime that ends in a stop takes two alone.
pub(super) fn is_syllable(word: &str) -> bool {
    let mut tone = None;
    let mut letters = String::with_capacity(word.len());
    for character in word.nfd() {
        if matches!(character, '\u{300}' | '\u{303}' | '\u{309}' | ACUTE | DOT_BELOW) {
            if tone.replace(character).is_some() {
                return false;
            }
        } else {
            letters.extend(character.to_lowercase());
        }
    }
    let letters: String = letters.nfc().collect();
    let fits = |onset| {
        let Some(rime) = letters.strip_prefix(onset) else { return false };
        let stops = rime.ends_with(['c', 'p', 't']) || rime.ends_with("ch");
        is_rime(rime) && (!stops || matches!(tone, Some(ACUTE | DOT_BELOW)))
    };
    std::iter::once("").chain(ONSETS.split_whitespace()).any(fits)
}

fn is_rime(text: &str) -> bool {
    RIMES.split_whitespace().any(|rime| rime == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syllables_are_told_from_other_words() {
        for word in "Nguyễn VĂN Thị Hương Giang Đỗ Huỳnh Thúy Thuý Quỳnh Quốc Gì Giữ Yến Lý Ngọc Nghĩa Khuê
            Trần Phạm Hoàng Võ Bùi Đặng Thuyết Nhật Phước Ngực thẳng nghiêng bụng siêu âm khuỷu Ư Y An Oanh"
            .split_whitespace()
        {
            assert!(is_syllable(word), "{word}");
        }
        for word in
            "Müller Seáan Lọcc Lễo Jỗo Nguyờịn Mắ Că Hẩ Nhât Quôc Trn đ F W Straße Straßé".split_whitespace()
        {
            assert!(!is_syllable(word), "{word}");
        }
    }
}
