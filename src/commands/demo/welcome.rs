//! What a stranger reads first.

use pacs_core::uid::AeTitle;

use crate::config::SignIn;
use crate::lifecycle::Running;

/// Address, sign-in and what to type into a modality, in Vietnamese and English.
pub fn text(running: &Running, ae_title: &AeTitle, sign_in: SignIn, password: Option<&str>) -> String {
    let url = running.browser_url();
    let port = running.dimse.port();
    let (sign_in_vi, sign_in_en) = match (sign_in, password) {
        (SignIn::Off, _) => ("không cần".to_owned(), "not needed".to_owned()),
        (SignIn::Required, Some(password)) => {
            let pair = format!("admin / {password}");
            (pair.clone(), pair)
        }
        (SignIn::Required, None) => {
            ("admin / (mật khẩu đã đặt)".to_owned(), "admin / (the password you set)".to_owned())
        }
    };
    format!(
        "
  Sen đang chạy với dữ liệu giả của một tỉnh tưởng tượng.
    Mở trình duyệt   {url}
    Đăng nhập        {sign_in_vi}
    Gửi ảnh DICOM    AE title {ae_title}, cổng {port}

  Sen is running with the synthetic data of an invented province.
    Open a browser   {url}
    Sign in          {sign_in_en}
    Push DICOM       AE title {ae_title}, port {port}
                     storescu -aec {ae_title} +sd localhost {port} FOLDER

  Dừng bằng Ctrl-C / stop with Ctrl-C
"
    )
}
