import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;

public class Label {
    public static void main(String[] args) {
        BufferedImage image = new BufferedImage(200, 40, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = image.createGraphics();
        graphics.setColor(Color.WHITE);
        graphics.setFont(new Font(Font.SANS_SERIF, Font.PLAIN, 20));
        graphics.drawString("drawn", 10, 30);
        int lit = 0;
        for (int x = 0; x < 200; x++) {
            for (int y = 0; y < 40; y++) {
                lit += (image.getRGB(x, y) & 0xffffff) != 0 ? 1 : 0;
            }
        }
        System.out.println(lit > 50 ? "text" : "nothing");
        System.out.println(graphics.getFontMetrics().stringWidth("drawn"));
    }
}
