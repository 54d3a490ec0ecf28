// A QR code as one SVG path, so that the page needs neither script nor image.
import QRCode from 'qrcode';

/** The quiet zone (ISO 18004). */
const MARGIN = 4;

export function drawQr(text: string): { readonly size: number; readonly path: string } {
  const { modules } = QRCode.create(text, { errorCorrectionLevel: 'M' });
  let path = '';
  for (let y = 0; y < modules.size; y += 1) {
    for (let x = 0; x < modules.size; ) {
      let dark = 0;
      while (x + dark < modules.size && modules.get(y, x + dark)) dark += 1;
      if (dark > 0) path += `M${x + MARGIN} ${y + MARGIN}h${dark}v1h-${dark}z`;
      x += Math.max(1, dark);
    }
  }
  return { size: modules.size + 2 * MARGIN, path };
}
