import java.net.CookieManager;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

/** Calls the management API as a Java program does that leaves cookies to its HttpClient. */
class CookieClient {
    private static final CookieManager COOKIES = new CookieManager();
    private static final HttpClient CLIENT =
            HttpClient.newBuilder().cookieHandler(COOKIES).followRedirects(HttpClient.Redirect.ALWAYS).build();

    public static void main(String[] arguments) throws Exception {
        String base = arguments[0];
        call("POST", base + "/users/authenticate", arguments[1]);
        call("GET", base + "/applications", "");
        call("DELETE", base + "/users/logout", "");
        call("GET", base + "/applications", "");
    }

    private static void call(String method, String url, String body) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url))
                .header("Content-Type", "application/json")
                .method(method, HttpRequest.BodyPublishers.ofString(body))
                .build();
        HttpResponse<String> response = CLIENT.send(request, HttpResponse.BodyHandlers.ofString());
        int cookies = COOKIES.getCookieStore().getCookies().size();
        System.out.println(response.statusCode() + " " + cookies + " " + response.body());
    }
}
