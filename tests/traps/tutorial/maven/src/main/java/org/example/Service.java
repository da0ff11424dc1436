package org.example;

import com.google.gson.Gson;
import com.sun.net.httpserver.HttpServer;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.Map;
import java.util.TreeMap;

public class Service {
    public static void main(String[] args) throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress(8080), 0);
        server.createContext("/api", exchange -> {
            Map<String, Object> answer = new TreeMap<>();
            answer.put("day", LocalDate.ofInstant(java.time.Instant.EPOCH, ZoneOffset.UTC).getDayOfWeek().toString());
            answer.put("user", System.getProperty("user.name"));
            byte[] body = new Gson().toJson(answer).getBytes("UTF-8");
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.createContext("/", exchange -> {
            try (InputStream page = Service.class.getResourceAsStream("/static/index.html")) {
                byte[] body = page.readAllBytes();
                exchange.sendResponseHeaders(200, body.length);
                exchange.getResponseBody().write(body);
            }
            exchange.close();
        });
        server.start();
    }
}
