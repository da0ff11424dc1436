use axum::{routing::get, Router};
use tower_http::services::ServeDir;

async fn page() -> String {
    std::fs::read_to_string("templates/page.html").unwrap()
}

async fn authorities() -> String {
    (rustls_native_certs::load_native_certs().certs.len() > 20).to_string()
}

#[tokio::main]
async fn main() {
    let app = Router::new()
        .route("/", get(page))
        .route("/authorities", get(authorities))
        .nest_service("/static", ServeDir::new("static"));
    let listener = tokio::net::TcpListener::bind("0.0.0.0:8000").await.unwrap();
    axum::serve(listener, app).await.unwrap();
}
