// Written by `npm run schemas:types` from the JSON Schemas beside it: changes here are lost.

/**
 * Everything is undone: the order is to be cancelled.
 */
export interface CommandCancel1 {
  orderId: string;
  /**
   * Counted from 1: a command that is not answered in time is sent again.
   */
  attempt: number;
  reason: string;
}

/**
 * Everything is done: the order is to be confirmed.
 */
export interface CommandConfirm1 {
  orderId: string;
  /**
   * Counted from 1: a command that is not answered in time is sent again.
   */
  attempt: number;
}

/**
 * The orchestration asks for the total to be charged.
 */
export interface CommandPay1 {
  orderId: string;
  /**
   * Counted from 1: a command that is not answered in time is sent again.
   */
  attempt: number;
  customerId: string;
  /**
   * Sum of quantity times unitPrice, in minor units of the currency, such as cents.
   */
  total: number;
  /**
   * ISO 4217.
   */
  currency: string;
}

/**
 * Undoes the charge, and keeps a late one from being made.
 */
export interface CommandRefund1 {
  orderId: string;
  /**
   * Counted from 1: a command that is not answered in time is sent again.
   */
  attempt: number;
  /**
   * ISO 4217.
   */
  currency: string;
}

/**
 * Undoes the reservation, and keeps a late one from being made.
 */
export interface CommandRelease1 {
  orderId: string;
  /**
   * Counted from 1: a command that is not answered in time is sent again.
   */
  attempt: number;
}

/**
 * The orchestration asks for the items to be reserved.
 */
export interface CommandReserve1 {
  orderId: string;
  /**
   * Counted from 1: a command that is not answered in time is sent again.
   */
  attempt: number;
  /**
   * @minItems 1
   * @maxItems 100
   */
  items: {
    productId: string;
    quantity: number;
  }[];
}

/**
 * The order has ended without a sale: nothing is charged, nothing is reserved.
 */
export interface OrderCancelled1 {
  orderId: string;
  reason: string;
}

/**
 * The order is paid and its items are reserved.
 */
export interface OrderConfirmed1 {
  orderId: string;
}

/**
 * A customer has placed an order.
 */
export interface OrderCreated1 {
  orderId: string;
  customerId: string;
  /**
   * Sum of quantity times unitPrice, in minor units of the currency, such as cents.
   */
  total: number;
  /**
   * ISO 4217.
   */
  currency: string;
  /**
   * @minItems 1
   * @maxItems 100
   */
  items: {
    productId: string;
    quantity: number;
    /**
     * In minor units of the currency, such as cents.
     */
    unitPrice: number;
  }[];
}

/**
 * A customer has placed an order.
 */
export interface OrderCreated2 {
  orderId: string;
  customerId: string;
  /**
   * Sum of quantity times unitPrice, in minor units of the currency, such as cents.
   */
  total: number;
  /**
   * ISO 4217.
   */
  currency: string;
  /**
   * @minItems 1
   * @maxItems 100
   */
  items: {
    productId: string;
    quantity: number;
    /**
     * In minor units of the currency, such as cents.
     */
    unitPrice: number;
  }[];
  /**
   * Where it was placed, such as web or app; unknown in version 1.
   */
  channel?: string;
}

/**
 * The items have left the warehouse.
 */
export interface OrderShipped1 {
  orderId: string;
  trackingId?: string;
}

/**
 * The order is not paid, and will not be: an outcome, not an error.
 */
export interface PaymentFailed1 {
  orderId: string;
  reason: 'declined';
}

/**
 * The customer has paid the order's total.
 */
export interface PaymentProcessed1 {
  orderId: string;
  /**
   * In minor units of the currency, such as cents.
   */
  amount: number;
  /**
   * ISO 4217.
   */
  currency: string;
  /**
   * Id of the charge at the payment gateway.
   */
  paymentId: string;
}

/**
 * Whatever the customer had paid for the order has been paid back; nothing can be charged for it any more.
 */
export interface PaymentRefunded1 {
  orderId: string;
  /**
   * Paid back, in minor units of the currency; 0 if nothing had been charged.
   */
  amount: number;
  /**
   * ISO 4217.
   */
  currency: string;
}

/**
 * None of the items is set aside, since not all of them are there.
 */
export interface StockRejected1 {
  orderId: string;
  /**
   * The first item that is not there.
   */
  productId: string;
}

/**
 * Whatever was set aside for the order is back in stock; nothing can be reserved for it any more.
 */
export interface StockReleased1 {
  orderId: string;
  /**
   * @minItems 0
   * @maxItems 100
   */
  items: {
    productId: string;
    quantity: number;
  }[];
}

/**
 * All items of the order are set aside.
 */
export interface StockReserved1 {
  orderId: string;
  /**
   * @minItems 1
   * @maxItems 100
   */
  items: {
    productId: string;
    quantity: number;
  }[];
}

declare module '../../../shared/events/event-data.ts' {
  interface EventTypes {
    'command.cancel': CommandCancel1;
    'command.confirm': CommandConfirm1;
    'command.pay': CommandPay1;
    'command.refund': CommandRefund1;
    'command.release': CommandRelease1;
    'command.reserve': CommandReserve1;
    'order.cancelled': OrderCancelled1;
    'order.confirmed': OrderConfirmed1;
    'order.created': OrderCreated1 | OrderCreated2;
    'order.shipped': OrderShipped1;
    'payment.failed': PaymentFailed1;
    'payment.processed': PaymentProcessed1;
    'payment.refunded': PaymentRefunded1;
    'stock.rejected': StockRejected1;
    'stock.released': StockReleased1;
    'stock.reserved': StockReserved1;
  }
}
