// Push with Pushy. Reads the job of the file named, writes the results as JSON.

import com.eatthepath.json.JsonParser;
import com.eatthepath.json.JsonSerializer;
import com.eatthepath.pushy.apns.ApnsClient;
import com.eatthepath.pushy.apns.ApnsClientBuilder;
import com.eatthepath.pushy.apns.DeliveryPriority;
import com.eatthepath.pushy.apns.PushNotificationResponse;
import com.eatthepath.pushy.apns.PushType;
import com.eatthepath.pushy.apns.util.SimpleApnsPushNotification;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

class Push {
  private static final int TIMEOUT_S = 10;

  @SuppressWarnings("unchecked")
  public static void main(String[] arguments) throws Exception {
    Map<String, Object> job =
        new JsonParser().parseJsonObject(Files.readString(Path.of(arguments[0])));
    ApnsClient client =
        new ApnsClientBuilder()
            .setApnsServer((String) job.get("address"), ((Number) job.get("port")).intValue())
            .setTrustedServerCertificateChain(new File((String) job.get("ca")))
            .setClientCredentials(new File((String) job.get("pkcs12")), (String) job.get("pkcs12_password"))
            .build();
    boolean atOnce = Boolean.TRUE.equals(job.get("at_once"));
    List<Future<PushNotificationResponse<SimpleApnsPushNotification>>> sent = new ArrayList<>();
    List<String> results = new ArrayList<>();
    for (Object one : (List<Object>) job.get("pushes")) {
      sent.add(client.sendNotification(notification((Map<String, Object>) one)));
      if (!atOnce) results.add(result(sent.get(sent.size() - 1)));
    }
    if (atOnce) {
      for (Future<PushNotificationResponse<SimpleApnsPushNotification>> one : sent) {
        results.add(result(one));
      }
    }
    client.close().get();
    System.out.print(results.stream().collect(Collectors.joining(",", "[", "]")));
  }

  @SuppressWarnings("unchecked")
  private static SimpleApnsPushNotification notification(Map<String, Object> push)
      throws Exception {
    Map<String, Object> headers = (Map<String, Object>) push.get("headers");
    Object id = headers.get("apns-id");
    Object priority = headers.get("apns-priority");
    Object type = headers.get("apns-push-type");
    Object expiration = headers.get("apns-expiration");
    return new SimpleApnsPushNotification(
        (String) push.get("token"),
        (String) headers.get("apns-topic"),
        JsonSerializer.writeJsonTextAsString((Map<String, Object>) push.get("payload")),
        expiration == null ? null : Instant.ofEpochSecond(((Number) expiration).longValue()),
        priority == null ? null : DeliveryPriority.getFromCode(((Number) priority).intValue()),
        type == null ? null : PushType.getFromHeaderValue((String) type),
        (String) headers.get("apns-collapse-id"),
        id == null ? null : UUID.fromString((String) id));
  }

  private static String result(Future<PushNotificationResponse<SimpleApnsPushNotification>> sent)
      throws Exception {
    Map<String, Object> found = new LinkedHashMap<>();
    try {
      PushNotificationResponse<SimpleApnsPushNotification> answer =
          sent.get(TIMEOUT_S, TimeUnit.SECONDS);
      found.put("status", answer.getStatusCode());
      found.put("id", String.valueOf(answer.getApnsId()));
      found.put("reason", answer.getRejectionReason().orElse(""));
      found.put(
          "timestamp", answer.getTokenInvalidationTimestamp().map(Instant::toEpochMilli).orElse(null));
    } catch (ExecutionException error) {
      found.put("error", String.valueOf(error.getCause()));
    }
    return JsonSerializer.writeJsonTextAsString(found);
  }
}
